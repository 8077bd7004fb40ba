// Walks through the API with the client that openapi-generator makes for TypeScript (typescript-fetch).
import { Configuration, LoginApi, ProblemFromJSON, ResponseError, SessionsApi, type TokenPair } from '../generated/typescript';

declare const process: { argv: string[]; exitCode: number };
const PASSWORD = 'correct-horse-battery-staple';
// The rest of a token that was never issued.
const MADE_UP = 'A'.repeat(252);

const configuration = (token?: string): Configuration =>
  new Configuration({ basePath: process.argv[2], ...(token === undefined ? {} : { accessToken: token }) });
const login = (password: string): Promise<TokenPair> =>
  new LoginApi(configuration()).login({ loginRequest: { username: 'demo', password } });
const sessions = (token: string): SessionsApi => new SessionsApi(configuration(token));
const refresh = (token: string): Promise<TokenPair> => new LoginApi(configuration(token)).refresh();

function check(holds: boolean, what: string): void {
  if (!holds) throw new Error(`typescript: ${what}`);
}

async function refused(code: string, call: Promise<unknown>): Promise<void> {
  const error = await call.then(() => null, (error: unknown) => error);
  if (!(error instanceof ResponseError)) throw new Error(`typescript: no refusal where ${code} was expected: ${error}`);
  const problem = ProblemFromJSON(await error.response.json());
  const expected = problem.code === code && problem.status === 401 && !problem.retryable;
  check(expected && error.response.status === 401, `refused with ${problem.code}, not ${code}`);
}

async function walk(): Promise<void> {
  const other = await login(PASSWORD);
  const first = await login(PASSWORD);
  check(first.tokenType === 'Bearer', 'the token type');
  await refused('invalid_credentials', login('wrong'));

  check((await sessions(first.accessToken).me()).loginId === first.loginId, 'GET /me');
  await refused('invalid_token', sessions(`lka_${MADE_UP}`).me());

  const next = await refresh(first.refreshToken);
  check(next.loginId === first.loginId && next.accessToken !== first.accessToken, 'the refresh');
  await refused('invalid_token', sessions(first.accessToken).me());
  await refused('invalid_token', refresh(`lkr_${MADE_UP}`));

  const api = sessions(next.accessToken);
  const current = (await api.listSessions({ limit: 100 })).sessions.find(({ loginId }) => loginId === next.loginId);
  const asItShouldBe = current?.current && current.ip === '127.0.0.1' && current.device === null && current.expiresAt > current.loggedInAt;
  check(asItShouldBe === true, 'the current login isn’t in the device list as it should be');

  check((await api.endSessionRaw({ loginId: other.loginId })).raw.status === 204, 'the other login wasn’t ended');
  check((await new LoginApi(configuration(next.refreshToken)).logoutRaw()).raw.status === 204, 'the logout');
  await refused('invalid_token', api.me());
}

walk().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
