package latchkey

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"time"
)

var deviceID = regexp.MustCompile(`^[A-Za-z0-9_-]{16,64}$`)

// Options of a Client. BaseURL and Storage have to be set.
type Options struct {
	// BaseURL is where Latchkey answers: the stack's ApiUrl, or http://127.0.0.1:3000.
	BaseURL string
	Storage Storage
	// Key is the session's name in the storage; latchkey unless set.
	Key string
	// APIs are further addresses that get the access token: those of your own APIs.
	APIs []string
	// Patience is how long a call waits for a good token; 20 s unless set.
	Patience time.Duration
	// AttemptTimeout of a request to Latchkey; 10 s unless set. It has to stay well below the service's REPLAY_WINDOW.
	AttemptTimeout time.Duration
	// RefreshEarly is how long before its expiry an access token is refreshed; 30 s unless set.
	RefreshEarly time.Duration
	// ReplayWindow is the service's REPLAY_WINDOW; 30 s unless set.
	ReplayWindow time.Duration
	// Transport sends the requests; http.DefaultTransport unless set.
	Transport http.RoundTripper
	// LoggedOut is called, in a goroutine of its own, when the service has ended the login.
	LoggedOut func()
}

// Client keeps one login. It is safe for concurrent use.
type Client struct {
	options   Options
	addresses []*url.URL
	vault     vault
	http      *http.Client
	context   context.Context
	stop      context.CancelFunc

	mutex     sync.Mutex
	refresher refresher
}

// Session is what may be known of the stored session; the tokens stay inside.
type Session struct {
	UserID, LoginID                             string
	AccessTokenExpiresAt, RefreshTokenExpiresAt time.Time
}

// Credentials of a login. Device is its name in the device list, for people.
type Credentials struct{ Username, Password, Device string }

// New makes a client. It sends nothing yet.
func New(options Options) (*Client, error) {
	if options.Storage == nil {
		return nil, errors.New("latchkey: Options.Storage is missing")
	}
	if options.Key == "" {
		options.Key = "latchkey"
	}
	for _, setting := range []struct {
		value    *time.Duration
		fallback time.Duration
	}{
		{&options.Patience, 20 * time.Second},
		{&options.AttemptTimeout, 10 * time.Second},
		{&options.RefreshEarly, 30 * time.Second},
		{&options.ReplayWindow, 30 * time.Second},
	} {
		if *setting.value == 0 {
			*setting.value = setting.fallback
		}
	}
	client := &Client{options: options, vault: vault{options.Storage, options.Key}}
	for _, address := range append([]string{options.BaseURL}, options.APIs...) {
		parsed, err := url.Parse(strings.TrimRight(address, "/"))
		if err != nil || (parsed.Scheme != "http" && parsed.Scheme != "https") || parsed.Host == "" || parsed.User != nil {
			return nil, errors.New("latchkey: BaseURL and APIs take addresses like https://api.example.com/v1")
		}
		client.addresses = append(client.addresses, parsed)
	}
	if client.options.Transport == nil {
		client.options.Transport = http.DefaultTransport
	}
	client.http = &http.Client{Transport: client.options.Transport, CheckRedirect: followNone}
	client.context, client.stop = context.WithCancel(context.Background())
	client.refresher.waiters = map[*waiter]struct{}{}
	client.refresher.joined = make(chan struct{}, 1)
	return client, nil
}

// A portal's redirect is an answer like any other. No password or token follows it.
func followNone(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// Close stops the refresh that goes on in the background. The session stays stored.
func (c *Client) Close() { c.stop() }

// Login logs in and stores the pair. It fails with *Refused or *Later, and repeats nothing.
func (c *Client) Login(ctx context.Context, credentials Credentials) (Session, error) {
	id, err := c.vault.deviceID()
	if err != nil {
		return Session{}, err
	}
	request := map[string]string{"username": credentials.Username, "password": credentials.Password, "device_id": id}
	if credentials.Device != "" {
		request["device"] = credentials.Device
	}
	body, err := json.Marshal(request)
	if err != nil {
		return Session{}, err
	}
	a, err := c.send(ctx, "/login", "", http.Header{"Content-Type": {"application/json"}}, body)
	if err != nil {
		return Session{}, c.failed(ctx)
	}
	p, ok := a.pair()
	if !ok {
		if a.code() == "" || a.status >= 500 || a.status == http.StatusTooManyRequests {
			return Session{}, a.later(time.Now())
		}
		return Session{}, &Refused{a.status, a.code()}
	}
	first := newSession(p, 0, randomName(), a, time.Now())
	if err := c.vault.begin(first); err != nil {
		return Session{}, err
	}
	return first.info(), nil
}

// Session returns the stored session, and false where there is none. It asks the storage, not the service.
func (c *Client) Session() (Session, bool, error) {
	stored, err := c.vault.read()
	if err != nil || stored == nil {
		return Session{}, false, err
	}
	return stored.info(), true, nil
}

// AccessToken returns an access token that is good now, for a WebSocket for example. Don't keep it.
func (c *Client) AccessToken(ctx context.Context) (string, error) {
	usable, err := c.usable(ctx)
	if err != nil {
		return "", err
	}
	return usable.AccessToken, nil
}

// Refresh refreshes now, or takes the pair that another process has got since.
func (c *Client) Refresh(ctx context.Context) (Session, error) {
	stored, err := c.vault.read()
	if err != nil {
		return Session{}, err
	}
	if stored == nil {
		return Session{}, ErrLoggedOut
	}
	next, err := c.after(ctx, stored, false)
	if err != nil {
		return Session{}, err
	}
	return next.info(), nil
}

// Logout ends the login at the service and then forgets it. Where the service can't be reached it fails with *Later and the
// session stays: call it again, or Forget. Without a session it does nothing.
func (c *Client) Logout(ctx context.Context) error {
	stored, err := c.vault.read()
	if err != nil || stored == nil {
		return err
	}
	// The access token may be an old one.
	a, err := c.send(ctx, "/logout", stored.RefreshToken, nil, nil)
	if err != nil {
		return c.failed(ctx)
	}
	if a.status != http.StatusNoContent && !a.ended() {
		return a.later(time.Now())
	}
	return c.forgetLogin(stored)
}

// forgetLogin forgets the login, also where a refresh of it came in between.
func (c *Client) forgetLogin(ended *session) error {
	for {
		stored, err := c.vault.read()
		if err != nil || stored == nil || stored.LoginID != ended.LoginID {
			return err
		}
		if forgotten, err := c.vault.forget(stored.RefreshToken); forgotten || err != nil {
			return err
		}
	}
}

// Forget deletes the session here and leaves the login alone at the service.
func (c *Client) Forget() error { return c.vault.clear() }

// usable returns a session whose access token is good. A recovered one may have expired meanwhile: it is refreshed first.
func (c *Client) usable(ctx context.Context) (*session, error) {
	stored, err := c.vault.read()
	if err != nil {
		return nil, err
	}
	if stored == nil {
		return nil, ErrLoggedOut
	}
	for recovered := 0; ; recovered++ {
		switch stored.freshness(time.Now(), c.options.RefreshEarly) {
		case fresh:
			return stored, nil
		case due:
			next, err := c.after(ctx, stored, true)
			var later *Later
			if errors.As(err, &later) {
				return stored, nil
			}
			return next, err
		}
		next, err := c.after(ctx, stored, false)
		// A second pair that has expired on arrival means that a clock is wrong. It is used as it is.
		if err != nil || recovered == 1 {
			return next, err
		}
		stored = next
	}
}

// send is one request to Latchkey, bounded in time.
func (c *Client) send(ctx context.Context, path, token string, header http.Header, body []byte) (answer, error) {
	ctx, cancel := context.WithTimeout(ctx, c.options.AttemptTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, c.addresses[0].String()+path, bytes.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	if header != nil {
		request.Header = header
	}
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	response, err := c.http.Do(request)
	if err != nil {
		return answer{}, err
	}
	return read(response)
}

// failed is what a request without an answer comes to. The cause stays out: it may quote what was sent.
func (c *Client) failed(ctx context.Context) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return &Later{}
}

func (c *Client) tellLoggedOut() {
	if c.options.LoggedOut != nil {
		go c.options.LoggedOut()
	}
}

func (s *session) info() Session {
	return Session{s.UserID, s.LoginID, s.AccessTokenExpiresAt, s.RefreshTokenExpiresAt}
}
