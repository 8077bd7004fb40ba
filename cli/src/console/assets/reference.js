// docs/openapi.yaml in Swagger UI, which sends its tries to this server and to no other.
"use strict";

// Swagger UI has a dark style, and leaves it to the page when it is used.
const dark = matchMedia("(prefers-color-scheme: dark)");
const follow = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
dark.addEventListener("change", follow);
follow();

const thisServer = () => ({
  statePlugins: {
    spec: {
      wrapActions: {
        updateJsonSpec: (update) => (document) => update({ ...document, servers: [{ url: location.origin, description: "This server." }] }),
      },
    },
  },
});

window.ui = SwaggerUIBundle({
  url: "/docs/openapi.yaml",
  dom_id: "#swagger-ui",
  deepLinking: true,
  // Tokens stay in the page's memory, and no document is sent to anybody to be validated.
  persistAuthorization: false,
  validatorUrl: null,
  tryItOutEnabled: true,
  plugins: [thisServer],
  onComplete: () => (document.documentElement.dataset.ready = ""),
});
