package latchkey

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func pairJSON(number int, expires time.Time) string {
	tokens := strings.Repeat(fmt.Sprint(number), 40)
	return fmt.Sprintf(`{"token_type":"Bearer","access_token":"lka_%s","refresh_token":"lkr_%s","user_id":"u","login_id":"l",
		"access_token_expires_at":%q,"refresh_token_expires_at":%q}`, tokens, tokens,
		expires.UTC().Format(time.RFC3339), expires.Add(time.Hour).UTC().Format(time.RFC3339))
}

func write(w http.ResponseWriter, status int, mediaType, body string) {
	w.Header().Set("Content-Type", mediaType)
	w.WriteHeader(status)
	_, _ = w.Write([]byte(body))
}

func newClient(t *testing.T, storage Storage, handler http.HandlerFunc) *Client {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	client, err := New(Options{BaseURL: server.URL, Storage: storage})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

// A refresh is recovered hours after its answer was lost: the pair that comes is stored, and its access token has expired.
func TestARecoveredPairIsRefreshedBeforeACallGoes(t *testing.T) {
	var refreshed, called []string
	client := newClient(t, &MemoryStorage{}, func(w http.ResponseWriter, r *http.Request) {
		token := r.Header.Get("Authorization")
		switch r.URL.Path {
		case "/login":
			write(w, 200, "application/json", pairJSON(0, time.Now().Add(-5*time.Hour)))
		case "/refresh":
			refreshed = append(refreshed, token)
			expires := time.Now().Add(-4 * time.Hour)
			if len(refreshed) == 2 {
				expires = time.Now().Add(time.Hour)
			}
			write(w, 200, "application/json", pairJSON(len(refreshed), expires))
		default:
			called = append(called, token)
			w.WriteHeader(200)
		}
	})
	if _, err := client.Login(context.Background(), Credentials{Username: "demo", Password: "right"}); err != nil {
		t.Fatal(err)
	}
	request, _ := http.NewRequest(http.MethodGet, "/me", nil)
	response, err := client.Do(request)
	if err != nil || response.StatusCode != 200 {
		t.Fatal(err)
	}
	if len(refreshed) != 2 || !strings.HasPrefix(refreshed[1], "Bearer lkr_1") {
		t.Fatalf("%d refreshes", len(refreshed))
	}
	if len(called) != 1 || !strings.HasPrefix(called[0], "Bearer lka_2") {
		t.Fatalf("the call went %d times, or with an expired token", len(called))
	}
}

// With the same token, as long as it takes, and the pause never grows beyond a minute.
func TestBackoffDoublesUpToItsLimit(t *testing.T) {
	for failures := 1; failures < 100; failures++ {
		for _, random := range []float64{0, 0.5, 0.999} {
			pause := backoff(failures, longestBackgroundPause, random)
			if pause < shortestPause || pause > longestBackgroundPause {
				t.Fatalf("%v after %d failures", pause, failures)
			}
		}
	}
	if backoff(1, longestPause, 1) != firstPause || backoff(3, longestPause, 1) != 4*firstPause {
		t.Fatal("the pause doesn't double")
	}
}

type brokenStorage struct{ MemoryStorage }

func (*brokenStorage) Read(string) ([]byte, error) { return nil, errors.New("locked") }

func TestAnUnreadableStorageIsNotLoggedOut(t *testing.T) {
	client := newClient(t, &brokenStorage{}, func(http.ResponseWriter, *http.Request) { t.Error("a request was sent") })
	_, err := client.AccessToken(context.Background())
	var failed *StorageError
	if !errors.As(err, &failed) || errors.Is(err, ErrLoggedOut) {
		t.Fatal(err)
	}
}

func TestAFreshAuthenticationIsWantedOfTheUser(t *testing.T) {
	stepUp := `Bearer error="insufficient_user_authentication", max_age="300"`
	for _, header := range []http.Header{
		{"Www-Authenticate": {stepUp}},
		{"X-Amzn-Remapped-Www-Authenticate": {stepUp}},
		{"Www-Authenticate": {`Basic realm="api"`, stepUp}},
	} {
		if refusal(&http.Response{StatusCode: 401, Header: header}) {
			t.Fatalf("%v is taken for a refusal of the token", header)
		}
	}
	for _, header := range []http.Header{{}, {"Www-Authenticate": {`Bearer error="invalid_token"`}}} {
		if !refusal(&http.Response{StatusCode: 401, Header: header}) {
			t.Fatalf("%v isn't taken for a refusal of the token", header)
		}
	}
}

func TestOnlyTheVerdictEndsALogin(t *testing.T) {
	verdict := answer{401, http.Header{"Content-Type": {"application/problem+json"}}, []byte(`{"code":"invalid_token"}`)}
	if !verdict.ended() {
		t.Fatal("the verdict isn't taken for one")
	}
	html := http.Header{"Content-Type": {"text/html"}}
	for _, other := range []answer{
		{401, html, verdict.body},
		{403, verdict.header, verdict.body},
		{401, verdict.header, []byte(`{"code":"missing_token"}`)},
		{401, verdict.header, []byte(`{`)},
	} {
		if other.ended() {
			t.Fatalf("%+v is taken for the verdict", other)
		}
	}
}

func TestATokenGoesToNamedAddressesAlone(t *testing.T) {
	client, err := New(Options{BaseURL: "https://api.example.com/v1", APIs: []string{"https://other.example.com"}, Storage: &MemoryStorage{}})
	if err != nil {
		t.Fatal(err)
	}
	for address, known := range map[string]bool{
		"https://api.example.com/v1/me":        true,
		"https://other.example.com/x":          true,
		"https://api.example.com/v1/../admin":  false,
		"https://api.example.com/v10":          false,
		"http://api.example.com/v1/me":         false,
		"https://api.example.com.evil.test/v1": false,
	} {
		request, _ := http.NewRequest(http.MethodGet, address, nil)
		if client.known(request.URL) != known {
			t.Errorf("%s: %v", address, !known)
		}
	}
}

func TestAFreshTokenIsUsedAndAnExpiredOneNever(t *testing.T) {
	now := time.Now()
	s := &session{pair: pair{AccessTokenExpiresAt: now.Add(4 * time.Minute)}, ReceivedAt: now}
	for after, expected := range map[time.Duration]freshness{0: fresh, 2 * time.Minute: fresh, 225 * time.Second: due, 5 * time.Minute: expired} {
		if got := s.freshness(now.Add(after), 30*time.Second); got != expected {
			t.Errorf("after %v: %v", after, got)
		}
	}
}
