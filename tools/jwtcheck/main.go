// Jwtcheck says what github.com/nats-io/jwt/v2 makes of JWTs, so that tests can compare.
//
// Each line of standard input is {"token": …, "seed": …}; each line of standard output tells why the token cannot be
// decoded, or what validation says of it and the token that the library makes of its claims when the seed signs them.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nkeys"
)

type question struct {
	Token string `json:"token"`
	Seed  string `json:"seed"`
}

type issue struct {
	Text     string `json:"text"`
	Blocking bool   `json:"blocking"`
	Time     bool   `json:"time"`
}

type verdict struct {
	Error       string  `json:"error,omitempty"`
	Issues      []issue `json:"issues"`
	Encoded     string  `json:"encoded,omitempty"`
	EncodeError string  `json:"encode_error,omitempty"`
}

// The library of a version that panics on some text says no less than that it cannot read it.
func judge(asked question) (found verdict) {
	found.Issues = []issue{}
	defer func() {
		if why := recover(); why != nil {
			found.Error = fmt.Sprint("panic: ", why)
		}
	}()
	claims, err := jwt.Decode(asked.Token)
	if err != nil {
		found.Error = err.Error()
		return found
	}
	// Validation changes claims (it sets the sampling of a trace), so they are encoded first, from a decoding of their
	// own.
	if again, err := jwt.Decode(asked.Token); err == nil && asked.Seed != "" {
		pair, err := nkeys.FromSeed([]byte(asked.Seed))
		if err == nil {
			found.Encoded, err = again.Encode(pair)
		}
		if err != nil {
			found.EncodeError = err.Error()
		}
	}
	results := jwt.CreateValidationResults()
	claims.Validate(results)
	for _, one := range results.Issues {
		found.Issues = append(found.Issues, issue{one.Description, one.Blocking, one.TimeCheck})
	}
	return found
}

func main() {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 16*1024*1024)
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	answers := json.NewEncoder(out)
	for lines.Scan() {
		var asked question
		if err := json.Unmarshal(lines.Bytes(), &asked); err != nil {
			fmt.Fprintln(os.Stderr, "jwtcheck:", err)
			os.Exit(1)
		}
		if err := answers.Encode(judge(asked)); err != nil {
			fmt.Fprintln(os.Stderr, "jwtcheck:", err)
			os.Exit(1)
		}
	}
}
