// Walks through the API with the client that openapi-generator makes for Java (library native).
import org.openapitools.client.ApiClient;
import org.openapitools.client.ApiException;
import org.openapitools.client.JSON;
import org.openapitools.client.api.LoginApi;
import org.openapitools.client.api.SessionsApi;
import org.openapitools.client.model.LoginRequest;
import org.openapitools.client.model.Problem;
import org.openapitools.client.model.TokenPair;

public class Walk {
    private static final String PASSWORD = "correct-horse-battery-staple";
    /** The rest of a token that was never issued. */
    private static final String MADE_UP = "A".repeat(252);
    private static String url;

    private interface Call {
        Object make() throws ApiException;
    }

    private static ApiClient client(String token) {
        ApiClient client = new ApiClient();
        client.updateBaseUri(url);
        if (token != null) {
            client.setRequestInterceptor(request -> request.setHeader("Authorization", "Bearer " + token));
        }
        return client;
    }

    private static TokenPair login(String password) throws ApiException {
        return new LoginApi(client(null)).login(new LoginRequest().username("demo").password(password), null);
    }

    private static SessionsApi sessions(String token) {
        return new SessionsApi(client(token));
    }

    private static void check(boolean holds, String what) {
        if (!holds) {
            throw new AssertionError("java: " + what);
        }
    }

    private static void refused(String code, Call call) throws Exception {
        try {
            call.make();
        } catch (ApiException error) {
            Problem problem = JSON.getDefault().getMapper().readValue(error.getResponseBody(), Problem.class);
            boolean expected = problem.getCode().equals(code) && problem.getStatus() == 401 && !problem.getRetryable();
            check(expected && error.getCode() == 401, "refused with " + problem.getCode() + ", not " + code);
            return;
        }
        throw new AssertionError("java: no refusal where " + code + " was expected");
    }

    public static void main(String[] arguments) throws Exception {
        url = arguments[0];
        TokenPair other = login(PASSWORD);
        TokenPair first = login(PASSWORD);
        check(first.getTokenType().equals("Bearer"), "the token type");
        refused("invalid_credentials", () -> login("wrong"));

        check(sessions(first.getAccessToken()).me().getLoginId().equals(first.getLoginId()), "GET /me");
        refused("invalid_token", () -> sessions("lka_" + MADE_UP).me());

        TokenPair next = new LoginApi(client(first.getRefreshToken())).refresh(null, null);
        check(next.getLoginId().equals(first.getLoginId()) && !next.getAccessToken().equals(first.getAccessToken()), "the refresh");
        refused("invalid_token", () -> sessions(first.getAccessToken()).me());
        refused("invalid_token", () -> new LoginApi(client("lkr_" + MADE_UP)).refresh(null, null));

        SessionsApi api = sessions(next.getAccessToken());
        check(
            api.listSessions(100, null).getSessions().stream().anyMatch(session ->
                session.getLoginId().equals(next.getLoginId()) && session.getCurrent() && session.getIp().equals("127.0.0.1")
                    && session.getDevice() == null && session.getExpiresAt().isAfter(session.getLoggedInAt())),
            "the current login isn't in the device list as it should be");

        check(api.endSessionWithHttpInfo(other.getLoginId()).getStatusCode() == 204, "the other login wasn't ended");
        check(new LoginApi(client(next.getRefreshToken())).logoutWithHttpInfo().getStatusCode() == 204, "the logout");
        refused("invalid_token", () -> api.me());
    }
}
