package latchkey

import (
	"encoding/json"
	"io"
	"mime"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// No answer of the service is longer; a portal's page may be.
const longestAnswer = 1 << 20

// A stranger's Retry-After, a proxy's for example, counts for no longer.
const longestStrangersWait = time.Minute

var code = regexp.MustCompile(`^[a-z_]{1,64}$`)

// answer is an HTTP answer that has been read to its end.
type answer struct {
	status int
	header http.Header
	body   []byte
}

func read(response *http.Response) (answer, error) {
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, longestAnswer))
	return answer{response.StatusCode, response.Header, body}, err
}

func (a answer) mediaType() string {
	mediaType, _, _ := mime.ParseMediaType(a.header.Get("Content-Type"))
	return mediaType
}

// code of a problem, or "" where something else than Latchkey or its gateway answers.
func (a answer) code() string {
	var problem struct{ Code string }
	if a.mediaType() != "application/problem+json" || json.Unmarshal(a.body, &problem) != nil || !code.MatchString(problem.Code) {
		return ""
	}
	return problem.Code
}

// pair in a successful answer to a login or a refresh.
func (a answer) pair() (pair, bool) {
	var p pair
	if a.status != http.StatusOK || a.mediaType() != "application/json" || json.Unmarshal(a.body, &p) != nil {
		return pair{}, false
	}
	return p, p.valid()
}

// ended is the verdict that ends a login. All three parts count: portals and proxies answer 401 too.
func (a answer) ended() bool {
	return a.status == http.StatusUnauthorized && a.code() == "invalid_token"
}

func (a answer) superseded() bool { return a.status == http.StatusConflict && a.code() == "superseded" }

func (a answer) date() (time.Time, bool) {
	date, err := http.ParseTime(a.header.Get("Date"))
	return date, err == nil
}

func (a answer) later(now time.Time) *Later {
	later := &Later{Status: a.status}
	value := strings.TrimSpace(a.header.Get("Retry-After"))
	if seconds, err := strconv.ParseUint(value, 10, 31); err == nil {
		later.RetryAfter = time.Duration(seconds) * time.Second
	} else if at, err := http.ParseTime(value); err == nil {
		if date, ok := a.date(); ok {
			now = date
		}
		later.RetryAfter = max(0, at.Sub(now))
	}
	longest := 24 * time.Hour
	if a.code() == "" {
		longest = longestStrangersWait
	}
	later.RetryAfter = min(later.RetryAfter, longest)
	return later
}
