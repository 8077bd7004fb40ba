package latchkey

import (
	"context"
	"math/rand/v2"
	"net/http"
	"time"
)

const (
	firstPause = 250 * time.Millisecond
	// While calls wait, or the storage is watched for another process's pair.
	longestPause           = 4 * time.Second
	longestBackgroundPause = time.Minute
	shortestPause          = 100 * time.Millisecond
)

// backoff is the pause after a number of failures: full jitter, doubling up to most.
func backoff(failures int, most time.Duration, random float64) time.Duration {
	full := min(most, firstPause<<min(failures-1, 20))
	return max(shortestPause, time.Duration(random*float64(full)))
}

// outcome of an attempt: a session, or an error.
type outcome struct {
	session *session
	err     error
}

// waiter is a call that waits for a session. A call whose token is still good is early: it waits for one attempt alone.
type waiter struct {
	deadline time.Time
	early    bool
	done     chan outcome
}

// refresher makes one refresh at a time, however many calls wait. All fields below are the client's, under its mutex.
type refresher struct {
	running bool
	waiters map[*waiter]struct{}
	// joined wakes the loop from a background pause.
	joined chan struct{}
	// failures in a row, the last failure, and the time before which no attempt is made for any reason.
	failures int
	last     *Later
	until    time.Time
	// held is a refresh token that met superseded. It isn't sent before heldUntil: after its window it would end the login.
	held      string
	heldUntil time.Time
	// unsaved came for the refresh token presented and couldn't be stored yet.
	unsaved   *session
	presented string
}

// after returns the session after from: stored by another process meanwhile, or refreshed.
func (c *Client) after(ctx context.Context, from *session, early bool) (*session, error) {
	for {
		w := &waiter{time.Now().Add(c.options.Patience), early, make(chan outcome, 1)}
		if deadline, ok := ctx.Deadline(); ok && deadline.Before(w.deadline) {
			w.deadline = deadline
		}
		c.join(w, from)
		timer := time.NewTimer(time.Until(w.deadline))
		select {
		case result := <-w.done:
			timer.Stop()
			// A loop that was under way when this call joined may have been after an older session.
			if result.err != nil || result.session.LoginID != from.LoginID || result.session.replaces(from) {
				return result.session, result.err
			}
		case <-timer.C:
			return nil, c.leave(w)
		case <-ctx.Done():
			timer.Stop()
			c.leave(w)
			return nil, ctx.Err()
		}
	}
}

func (c *Client) join(w *waiter, from *session) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	r := &c.refresher
	if r.last != nil && time.Now().Before(r.until) && (w.early || r.until.After(w.deadline)) {
		w.done <- outcome{err: r.laterNow()}
		return
	}
	r.waiters[w] = struct{}{}
	if r.running {
		select {
		case r.joined <- struct{}{}:
		default:
		}
		return
	}
	r.running = true
	go c.loop(from)
}

func (c *Client) leave(w *waiter) error {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	delete(c.refresher.waiters, w)
	return c.refresher.laterNow()
}

// laterNow is the last failure with what is left of its Retry-After.
func (r *refresher) laterNow() *Later {
	if r.last == nil {
		return &Later{}
	}
	later := *r.last
	if later.RetryAfter > 0 {
		later.RetryAfter = max(0, time.Until(r.until)).Round(time.Second)
	}
	return &later
}

// loop attempts until one is decided, also when no call waits any more. An answer may have been lost, and then a repeated
// refresh with the same token recovers it, hours later too. A login is never given up because time has passed.
func (c *Client) loop(from *session) {
	for {
		c.mutex.Lock()
		wait := time.Until(c.refresher.until)
		c.mutex.Unlock()
		if !c.pause(wait) {
			return
		}
		result, later := c.attempt(from)

		c.mutex.Lock()
		r := &c.refresher
		if later == nil {
			r.failures, r.last, r.until = 0, nil, time.Time{}
			for w := range r.waiters {
				w.done <- result
			}
			clear(r.waiters)
			r.running = false
			c.mutex.Unlock()
			return
		}
		r.failures++
		r.last = later
		superseded := later.Status == http.StatusConflict && time.Now().Before(r.heldUntil)
		most := longestPause
		if superseded {
			most = time.Second
		}
		r.until = time.Now().Add(max(backoff(r.failures, most, rand.Float64()), later.RetryAfter))
		for w := range r.waiters {
			if w.early || r.until.After(w.deadline) {
				delete(r.waiters, w)
				w.done <- outcome{err: r.laterNow()}
			}
		}
		background := time.Duration(0)
		if len(r.waiters) == 0 {
			background = backoff(r.failures, longestBackgroundPause, rand.Float64())
		}
		c.mutex.Unlock()
		// A call that joins ends the longer pause; `until` still holds.
		if background > 0 && !c.rest(background) {
			return
		}
	}
}

func (c *Client) pause(wait time.Duration) bool {
	if wait <= 0 {
		return c.context.Err() == nil
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-c.context.Done():
		return false
	}
}

func (c *Client) rest(wait time.Duration) bool {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-c.refresher.joined:
		return true
	case <-c.context.Done():
		return false
	}
}

// attempt reads the storage right before it sends: a request with an old token that comes late would end the login.
func (c *Client) attempt(from *session) (outcome, *Later) {
	stored, err := c.vault.read()
	if err != nil {
		return c.storageFailed(err)
	}
	if stored == nil {
		return outcome{err: ErrLoggedOut}, nil
	}
	if stored.LoginID != from.LoginID || stored.replaces(from) {
		return outcome{session: stored}, nil
	}
	r := &c.refresher
	c.mutex.Lock()
	unsaved := r.unsaved
	if r.presented != stored.RefreshToken {
		unsaved = nil
	}
	held := r.held == stored.RefreshToken && time.Now().Before(r.heldUntil)
	c.mutex.Unlock()
	if unsaved != nil {
		return c.keep(unsaved)
	}
	if held {
		return outcome{}, &Later{Status: http.StatusConflict}
	}

	a, err := c.send(c.context, "/refresh", stored.RefreshToken, http.Header{"Idempotency-Key": {stored.key()}}, nil)
	if err != nil {
		return outcome{}, &Later{}
	}
	if p, ok := a.pair(); ok && p.LoginID == stored.LoginID {
		next := newSession(p, stored.Generation+1, stored.KeySecret, a, time.Now())
		c.mutex.Lock()
		r.unsaved, r.presented = next, stored.RefreshToken
		c.mutex.Unlock()
		return c.keep(next)
	}
	if a.ended() {
		return c.ended(stored)
	}
	if a.superseded() {
		c.mutex.Lock()
		r.held, r.heldUntil = stored.RefreshToken, time.Now().Add(c.options.ReplayWindow)
		c.mutex.Unlock()
	}
	return outcome{}, a.later(time.Now())
}

// keep stores a pair before it is used. The next attempt tries again where that fails: the pair must not get lost.
func (c *Client) keep(next *session) (outcome, *Later) {
	kept, err := c.vault.keep(next)
	if err != nil {
		return outcome{}, &Later{}
	}
	c.mutex.Lock()
	c.refresher.unsaved = nil
	c.mutex.Unlock()
	if kept == nil {
		return outcome{err: ErrLoggedOut}, nil
	}
	return outcome{session: kept}, nil
}

func (c *Client) ended(presented *session) (outcome, *Later) {
	forgotten, err := c.vault.forget(presented.RefreshToken)
	if err != nil {
		return c.storageFailed(err)
	}
	if forgotten {
		c.tellLoggedOut()
		return outcome{err: ErrLoggedOut}, nil
	}
	// The verdict was on a token that isn't the stored one any more: it says nothing of that.
	newer, err := c.vault.read()
	if err != nil {
		return c.storageFailed(err)
	}
	if newer == nil {
		return outcome{err: ErrLoggedOut}, nil
	}
	return outcome{session: newer}, nil
}

// storageFailed tells the calls at once, unless a refresh may have been made: that has to be seen through.
func (c *Client) storageFailed(err error) (outcome, *Later) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if c.refresher.failures > 0 || c.refresher.unsaved != nil {
		return outcome{}, &Later{}
	}
	return outcome{err: err}, nil
}
