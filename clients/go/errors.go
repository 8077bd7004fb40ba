package latchkey

import (
	"errors"
	"fmt"
	"time"
)

// No message here quotes a token, a password or an answer's text.

// ErrLoggedOut says that there is no session: show the login screen.
var ErrLoggedOut = errors.New("latchkey: there is no session: log in")

// ErrAddress says that the access token isn't sent to this address: it is neither below BaseURL nor in APIs.
var ErrAddress = errors.New("latchkey: the access token is not sent to this address")

// Later says that nothing is decided. The session stays; try again later.
type Later struct {
	// Status of the answer; 0 if there was none.
	Status int
	// RetryAfter is the wait that an answer asked for, or 0.
	RetryAfter time.Duration
}

func (later *Later) Error() string {
	if later.Status == 0 {
		return "latchkey: unavailable: the session stays, try again later"
	}
	return fmt.Sprintf("latchkey: unavailable (status %d): the session stays, try again later", later.Status)
}

// Refused says that the service has refused a request for good, for example a login with a wrong password.
type Refused struct {
	Status int
	// Code of the refusal, for example invalid_credentials.
	Code string
}

func (refused *Refused) Error() string {
	return fmt.Sprintf("latchkey: refused: %s (status %d)", refused.Code, refused.Status)
}

// StorageError says that the storage failed, or holds something that isn't a session. It doesn't mean "logged out".
type StorageError struct{ Cause error }

func (failed *StorageError) Error() string { return "latchkey: the storage failed" }

func (failed *StorageError) Unwrap() error { return failed.Cause }
