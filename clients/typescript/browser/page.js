// Three tabs at work at once; what came of it goes back to the test.
const api = new URL(location).searchParams.get('api');
const open = () =>
  new Promise((resolve) => {
    const frame = document.createElement('iframe');
    addEventListener('message', ({ source }) => source === frame.contentWindow && resolve(frame.contentWindow.commands));
    frame.src = `/browser/tab.html?api=${encodeURIComponent(api)}`;
    document.body.append(frame);
  });

async function run() {
  const tabs = [await open(), await open(), await open()];
  // A slow machine may need more than one.
  for (let tries = 1; tries < 10 && !(await tabs[0].login()); tries += 1);
  const outcomes = [];
  for (let rounds = 0; rounds < 15; rounds += 1) {
    outcomes.push(...(await Promise.all(tabs.map((tab) => tab.refresh()))));
    outcomes.push(...(await Promise.all(tabs.map((tab) => tab.call()))));
  }
  await tabs[0].logout();
  // Idle tabs hear of it without a call.
  for (let tries = 0; tries < 250 && tabs.some((tab) => tab.seen().loggedOut.length === 0); tries += 1) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const idle = tabs.map((tab) => tab.seen().loggedOut.length);
  const afterwards = await Promise.all(tabs.map((tab) => tab.call()));
  return { locks: 'locks' in navigator, outcomes, idle, afterwards, tabs: tabs.map((tab) => tab.seen()) };
}
const result = await run().catch((error) => ({ error: String(error) }));
await fetch('/result', { method: 'POST', body: JSON.stringify(result) });
