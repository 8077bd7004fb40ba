// The driver that clients/conformance starts: commands on standard input, outcomes on standard output.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"strconv"
	"sync"
	"time"

	latchkey "latchkey.example/client"
)

type command struct {
	ID       int    `json:"id"`
	Do       string `json:"do"`
	Username string `json:"username"`
	Password string `json:"password"`
	Path     string `json:"path"`
}

func milliseconds(name string) time.Duration {
	value, err := strconv.Atoi(os.Getenv(name))
	if err != nil {
		panic(name + " is not a number")
	}
	return time.Duration(value) * time.Millisecond
}

var output sync.Mutex

func tell(line map[string]any) {
	output.Lock()
	defer output.Unlock()
	_ = json.NewEncoder(os.Stdout).Encode(line)
}

func obey(client *latchkey.Client, c command) (map[string]any, error) {
	ctx := context.Background()
	switch c.Do {
	case "login":
		_, err := client.Login(ctx, latchkey.Credentials{Username: c.Username, Password: c.Password, Device: "conformance"})
		return map[string]any{"outcome": "ok"}, err
	case "call":
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, c.Path, nil)
		if err != nil {
			return nil, err
		}
		response, err := client.Do(request)
		if err != nil {
			return nil, err
		}
		defer response.Body.Close()
		_, err = io.Copy(io.Discard, response.Body)
		return map[string]any{"outcome": "ok", "status": response.StatusCode}, err
	case "refresh":
		_, err := client.Refresh(ctx)
		return map[string]any{"outcome": "ok"}, err
	case "logout":
		return map[string]any{"outcome": "ok"}, client.Logout(ctx)
	}
	return nil, errors.New("unknown command")
}

func outcome(err error) map[string]any {
	var later *latchkey.Later
	var refused *latchkey.Refused
	switch {
	case errors.Is(err, latchkey.ErrLoggedOut):
		return map[string]any{"outcome": "logged_out"}
	case errors.As(err, &later):
		return map[string]any{"outcome": "later", "status": later.Status}
	case errors.As(err, &refused):
		return map[string]any{"outcome": "refused", "code": refused.Code}
	}
	return map[string]any{"outcome": "failed", "error": err.Error()}
}

func main() {
	client, err := latchkey.New(latchkey.Options{
		BaseURL:        os.Getenv("LATCHKEY_URL"),
		Storage:        &latchkey.FileStorage{Directory: os.Getenv("LATCHKEY_STATE")},
		Patience:       milliseconds("LATCHKEY_PATIENCE_MS"),
		AttemptTimeout: milliseconds("LATCHKEY_ATTEMPT_MS"),
		ReplayWindow:   milliseconds("LATCHKEY_REPLAY_WINDOW_MS"),
		LoggedOut:      func() { tell(map[string]any{"event": "logged_out"}) },
	})
	if err != nil {
		panic(err)
	}
	tell(map[string]any{"event": "ready", "shares_state": true})
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		var c command
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			panic("a line is no command")
		}
		go func() {
			line, err := obey(client, c)
			if err != nil {
				line = outcome(err)
			}
			line["id"] = c.ID
			tell(line)
		}()
	}
}
