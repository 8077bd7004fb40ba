// Walks through the API with the client that openapi-generator makes for Go.
package main

import (
	"context"
	"errors"
	"log"
	"net/http"
	"os"
	"strings"

	openapi "latchkey.test/generated/openapi"
)

// The rest of a token that was never issued.
var madeUp = strings.Repeat("A", 252)

func check(holds bool, what string) {
	if !holds {
		log.Fatalf("go: %s", what)
	}
}

func refused(err error, code string) {
	var failure *openapi.GenericOpenAPIError
	check(errors.As(err, &failure), "no refusal where "+code+" was expected")
	problem, ok := failure.Model().(openapi.Problem)
	check(ok, "a refusal without its model: "+failure.Error())
	check(problem.Code == code && problem.Status == 401 && !problem.Retryable, "refused with "+problem.Code+", not "+code)
}

func with(token string) context.Context {
	return context.WithValue(context.Background(), openapi.ContextAccessToken, token)
}

func main() {
	log.SetFlags(0)
	configuration := openapi.NewConfiguration()
	configuration.Servers = openapi.ServerConfigurations{{URL: os.Args[1]}}
	client := openapi.NewAPIClient(configuration)
	login := func(password string) (*openapi.TokenPair, error) {
		request := openapi.NewLoginRequest("demo", password)
		pair, _, err := client.LoginAPI.Login(context.Background()).LoginRequest(*request).Execute()
		return pair, err
	}
	me := func(token string) (*openapi.Me, error) {
		me, _, err := client.SessionsAPI.Me(with(token)).Execute()
		return me, err
	}

	other, err := login("correct-horse-battery-staple")
	check(err == nil, "the login failed")
	first, err := login("correct-horse-battery-staple")
	check(err == nil && first.TokenType == "Bearer", "the second login failed")
	_, err = login("wrong")
	refused(err, "invalid_credentials")

	who, err := me(first.AccessToken)
	check(err == nil && who.LoginId == first.LoginId, "GET /me failed")
	_, err = me("lka_"+madeUp)
	refused(err, "invalid_token")

	next, _, err := client.LoginAPI.Refresh(with(first.RefreshToken)).Execute()
	check(err == nil && next.LoginId == first.LoginId && next.AccessToken != first.AccessToken, "the refresh failed")
	_, err = me(first.AccessToken)
	refused(err, "invalid_token")
	_, _, err = client.LoginAPI.Refresh(with("lkr_"+madeUp)).Execute()
	refused(err, "invalid_token")

	page, _, err := client.SessionsAPI.ListSessions(with(next.AccessToken)).Limit(100).Execute()
	check(err == nil, "the device list failed")
	found := false
	for _, session := range page.Sessions {
		if session.LoginId == next.LoginId {
			found = session.Current && *session.Ip.Get() == "127.0.0.1" && session.Device.Get() == nil && session.ExpiresAt.After(session.LoggedInAt)
		}
	}
	check(found, "the current login isn't in the device list as it should be")

	answer, err := client.SessionsAPI.EndSession(with(next.AccessToken), other.LoginId).Execute()
	check(err == nil && answer.StatusCode == http.StatusNoContent, "the other login wasn't ended")
	answer, err = client.LoginAPI.Logout(with(next.RefreshToken)).Execute()
	check(err == nil && answer.StatusCode == http.StatusNoContent, "the logout failed")
	_, err = me(next.AccessToken)
	refused(err, "invalid_token")
}
