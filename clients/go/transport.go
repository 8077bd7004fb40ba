package latchkey

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// Do sends a request with the access token, refreshed before where it is due. Where the API answers 401, it sends the request
// once more with a newer token, unless the API wants the user to authenticate again. It follows no redirect. The URL is below BaseURL or one of APIs, or a path below BaseURL.
func (c *Client) Do(request *http.Request) (*http.Response, error) {
	if request.URL.Host == "" {
		request = request.Clone(request.Context())
		base := *c.addresses[0]
		base.Path += request.URL.Path
		base.RawQuery = request.URL.RawQuery
		request.URL = &base
	}
	return (transport{c}).RoundTrip(request)
}

// Transport is Do for an http.Client. A redirect to an address that gets no token fails with ErrAddress.
func (c *Client) Transport() http.RoundTripper { return transport{c} }

type transport struct{ client *Client }

func (t transport) RoundTrip(request *http.Request) (*http.Response, error) {
	c := t.client
	if !c.known(request.URL) {
		if request.Body != nil {
			request.Body.Close()
		}
		return nil, ErrAddress
	}
	usable, err := c.usable(request.Context())
	if err != nil {
		return nil, err
	}
	response, err := c.call(request, usable)
	if err != nil || !refusal(response) {
		return response, err
	}
	newer, err := c.after(request.Context(), usable, false)
	if err != nil {
		response.Body.Close()
		return nil, err
	}
	// Not repeated as another user who logged in meanwhile, nor without its body.
	repeatable := request.Body == nil || request.Body == http.NoBody || request.GetBody != nil
	if newer.LoginID != usable.LoginID || !repeatable {
		return response, nil
	}
	again := request.Clone(request.Context())
	if request.GetBody != nil {
		if again.Body, err = request.GetBody(); err != nil {
			return response, nil
		}
	}
	response.Body.Close()
	return c.call(again, newer)
}

// refusal says whether the API refused the token. An API that wants the user to authenticate again (RFC 9470) refuses none: a
// refresh wouldn't help, and the login goes on.
func refusal(response *http.Response) bool {
	challenge := fmt.Sprint(response.Header.Values("WWW-Authenticate"), response.Header.Values("X-Amzn-Remapped-Www-Authenticate"))
	return response.StatusCode == http.StatusUnauthorized && !strings.Contains(challenge, "insufficient_user_authentication")
}

func (c *Client) call(request *http.Request, s *session) (*http.Response, error) {
	request = request.Clone(request.Context())
	request.Header.Set("Authorization", "Bearer "+s.AccessToken)
	return c.http.Transport.RoundTrip(request)
}

// known says whether the access token may be sent there.
func (c *Client) known(to *url.URL) bool {
	for _, address := range c.addresses {
		below := to.Path == address.Path || strings.HasPrefix(to.Path, address.Path+"/")
		if to.Scheme == address.Scheme && to.Host == address.Host && below && !strings.Contains(to.Path+"/", "/../") {
			return true
		}
	}
	return false
}
