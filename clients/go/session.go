package latchkey

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"regexp"
	"time"
)

// Latchkey's own tokens have 256 characters; those that it takes over from another service have 16 or more.
var token = regexp.MustCompile(`^[A-Za-z0-9_-]{16,256}$`)

type pair struct {
	AccessToken           string    `json:"access_token"`
	AccessTokenExpiresAt  time.Time `json:"access_token_expires_at"`
	RefreshToken          string    `json:"refresh_token"`
	RefreshTokenExpiresAt time.Time `json:"refresh_token_expires_at"`
	UserID                string    `json:"user_id"`
	LoginID               string    `json:"login_id"`
}

func (p pair) valid() bool {
	return token.MatchString(p.AccessToken) && token.MatchString(p.RefreshToken) && p.UserID != "" && p.LoginID != "" &&
		!p.AccessTokenExpiresAt.IsZero() && !p.RefreshTokenExpiresAt.IsZero()
}

// session is a pair and what the client knows about it. It is stored as one value, so that all parts are of one pair.
type session struct {
	Version int `json:"version"`
	pair
	// Generation is 0 at login and one more with each refresh. All processes count alike: a refresh token has one successor.
	Generation int `json:"generation"`
	// KeySecret makes the Idempotency-Keys. It is never sent.
	KeySecret string `json:"key_secret"`
	// ReceivedAt is the server's time of the answer.
	ReceivedAt time.Time `json:"received_at"`
	// ClockOffset in milliseconds gives the server's time when added to the device's.
	ClockOffset int64 `json:"clock_offset"`
}

func newSession(p pair, generation int, secret string, a answer, now time.Time) *session {
	offset := time.Duration(0)
	if date, ok := a.date(); ok {
		offset = date.Sub(now)
	}
	return &session{
		Version: 1, pair: p, Generation: generation, KeySecret: secret,
		ReceivedAt: now.Add(offset).UTC(), ClockOffset: offset.Milliseconds(),
	}
}

func decode(text []byte) (*session, error) {
	var s session
	// The cause isn't kept: errors of a parser may quote the text.
	if json.Unmarshal(text, &s) != nil || s.Version != 1 || !s.valid() || s.KeySecret == "" {
		return nil, errors.New("what is stored is no session of this client: call Forget, and log in")
	}
	return &s, nil
}

// replaces says whether s is a later pair of the same login.
func (s *session) replaces(other *session) bool {
	return s.LoginID == other.LoginID && s.Generation > other.Generation
}

// key is the Idempotency-Key of the refresh token. Processes that share a storage derive the same one, and an observer of one
// request doesn't know the key of the next.
func (s *session) key() string {
	hash := sha256.Sum256([]byte(s.KeySecret + " " + s.RefreshToken))
	return base64.RawURLEncoding.EncodeToString(hash[:])
}

type freshness int

const (
	fresh freshness = iota
	due
	expired
)

// freshness of the access token at now, by the device's clock. A token is due early before it expires, and never in the first
// three quarters of its life.
func (s *session) freshness(now time.Time, early time.Duration) freshness {
	server := now.Add(time.Duration(s.ClockOffset) * time.Millisecond)
	margin := min(early, max(0, s.AccessTokenExpiresAt.Sub(s.ReceivedAt))/4)
	switch {
	case !server.Before(s.AccessTokenExpiresAt):
		return expired
	case !server.Before(s.AccessTokenExpiresAt.Add(-margin)):
		return due
	default:
		return fresh
	}
}

// randomName gives 22 URL-safe characters, 128 random bits.
func randomName() string {
	var bytes [16]byte
	_, _ = rand.Read(bytes[:]) // It never fails, from Go 1.24 on by contract; before, on no supported system.
	return base64.RawURLEncoding.EncodeToString(bytes[:])
}
