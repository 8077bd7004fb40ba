package latchkey

import (
	"encoding/json"
	"errors"
)

// vault is the stored session. Each change compares under the storage's lock.
type vault struct {
	storage Storage
	key     string
}

var errKeep = errors.New("keep what is stored")

// read asks the storage anew for each request: another process may have refreshed or logged out.
func (v vault) read() (*session, error) {
	text, err := v.storage.Read(v.key)
	if err != nil {
		return nil, &StorageError{err}
	}
	if text == nil {
		return nil, nil
	}
	stored, err := decode(text)
	if err != nil {
		return nil, &StorageError{err}
	}
	return stored, nil
}

// begin stores the first pair of a login, over any other.
func (v vault) begin(next *session) error {
	return v.update(func([]byte) ([]byte, error) { return json.Marshal(next) })
}

// keep stores next over an older pair of the same login alone, and returns what is stored then.
func (v vault) keep(next *session) (stored *session, err error) {
	err = v.update(func(text []byte) ([]byte, error) {
		if text == nil {
			return nil, errKeep
		}
		if stored, err = decode(text); err != nil {
			return nil, err
		}
		if !next.replaces(stored) {
			return nil, errKeep
		}
		stored = next
		return json.Marshal(next)
	})
	return stored, err
}

// forget deletes the session if its refresh token is still this one, and says whether it was.
func (v vault) forget(refreshToken string) (forgotten bool, err error) {
	err = v.update(func(text []byte) ([]byte, error) {
		if text == nil {
			return nil, errKeep
		}
		stored, err := decode(text)
		if err != nil {
			return nil, err
		}
		if stored.RefreshToken != refreshToken {
			return nil, errKeep
		}
		forgotten = true
		return nil, nil
	})
	return forgotten && err == nil, err
}

func (v vault) clear() error {
	return v.update(func([]byte) ([]byte, error) { return nil, nil })
}

func (v vault) update(change func([]byte) ([]byte, error)) error {
	err := v.storage.Update(v.key, change)
	if err == nil || errors.Is(err, errKeep) {
		return nil
	}
	return &StorageError{err}
}

// deviceID is drawn once per installation: a login whose answer was lost is then replaced by the next one.
func (v vault) deviceID() (id string, err error) {
	err = v.storage.Update(v.key+".device", func(stored []byte) ([]byte, error) {
		id = string(stored)
		if !deviceID.MatchString(id) {
			id = randomName()
		}
		return []byte(id), nil
	})
	if err != nil {
		return "", &StorageError{err}
	}
	return id, nil
}
