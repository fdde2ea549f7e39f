#!/usr/bin/env bash
# ogen's clients cut a date-time in the query to whole seconds, and no other one.
set -euo pipefail

module=github.com/ogen-go/ogen version=v1.24.0
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"

cat >go.mod <<EOF
module finding

go 1.26.0

require $module $version
EOF

cat >openapi.yaml <<'EOF'
openapi: 3.0.3
info: {title: times, version: "1"}
paths:
  /pins:
    get:
      operationId: list
      parameters:
        - {name: before, in: query, schema: {type: string, format: date-time}}
      responses:
        "200":
          description: fine
          content:
            application/json:
              schema: {type: object, required: [created], properties: {created: {type: string, format: date-time}}}
EOF

mkdir client
cat >client/main.go <<'EOF'
package main

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"time"

	"finding/api"
)

func main() {
	const created = "2026-01-02T03:04:05.678Z"
	var before string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		before = r.URL.Query().Get("before")
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"created":%q}`, created)
	}))
	defer server.Close()
	c, err := api.NewClient(server.URL)
	must(err)
	first, err := c.List(context.Background(), api.ListParams{})
	must(err)

	// The next page, as the Pinning Service API has it.
	_, err = c.List(context.Background(), api.ListParams{Before: api.NewOptDateTime(first.Created)})
	must(err)
	fmt.Println("expected: before=" + created)
	fmt.Println("seen:     received:", first.Created.Format(time.RFC3339Nano))
	fmt.Println("seen:     sent: before=" + before)
	if before != "2026-01-02T03:04:05Z" {
		os.Exit(1)
	}
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}
EOF

export GOWORK=off GOFLAGS=-mod=mod
{
	go run "$module/cmd/ogen" --target api --package api openapi.yaml &&
		go build -o finding ./client
} >build.log 2>&1 || { cat build.log >&2 && exit 2; }
echo "version:  $module $version"
./finding
