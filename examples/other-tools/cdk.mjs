// Latchkey's stack in a CDK app: node cdk.mjs EXPANDED_TEMPLATE OUTPUT_DIRECTORY
import { App, CfnOutput, Stack } from "aws-cdk-lib";
import { CfnInclude } from "aws-cdk-lib/cloudformation-include";

const [templateFile, outdir] = process.argv.slice(2);
const app = new App({ outdir });
const stack = new Stack(app, "Latchkey");

const latchkey = new CfnInclude(stack, "Template", {
  templateFile,
  // A parameter that is named here becomes a constant; the others stay parameters of the stack.
  parameters: { AccessTokenTtl: "10m" },
  // A function's deployment names its alarm, and the alarm the function's version.
  allowCyclicalReferences: true,
});
// Its resources are constructs, for instance for an API of yours that lets the authorizer ask.
const authorizer = latchkey.getResource("AuthorizerFunction");
new CfnOutput(stack, "AuthorizerArn", { value: authorizer.attrArn });

app.synth();
