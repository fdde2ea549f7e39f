#!/usr/bin/env bash
# oapi-codegen refuses a valid document, the Pinning Service API's, for two names that never meet in it.
set -euo pipefail

module=github.com/oapi-codegen/oapi-codegen/v2 version=v2.8.2
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"

cat >go.mod <<EOF
module finding

go 1.26.0

require $module $version
EOF

# A parameter and a schema are different maps of components. The form is the
# one of the Pinning Service API, cut down.
cat >openapi.yaml <<'EOF'
openapi: 3.0.3
info: {title: a parameter and a schema, version: "1"}
paths:
  /pins:
    get:
      parameters:
        - {$ref: "#/components/parameters/status"}
      responses:
        "200": {description: fine}
components:
  parameters:
    status:
      name: status
      in: query
      schema:
        type: array
        items: {$ref: "#/components/schemas/Status"}
  schemas:
    Status: {type: string, enum: [queued, pinned]}
EOF
sed 's,  status:$,  statuses:,; s,parameters/status",parameters/statuses",' openapi.yaml >renamed.yaml

GOWORK=off GOFLAGS=-mod=mod go build -o oapi-codegen "$module/cmd/oapi-codegen" 2>build.log || { cat build.log >&2 && exit 2; }
generate() {
	local rc=0
	./oapi-codegen -package api "$1" >api.go 2>err || rc=$?
	echo "exit status $rc $(head -n 1 err)"
}

echo "version:  $module $version"
echo "expected: exit status 0 for both documents, which mean the same"
same=$(generate openapi.yaml)
renamed=$(generate renamed.yaml)
echo "seen:     parameter status, schema Status: $same"
echo "seen:     parameter statuses, schema Status: $renamed"
[[ $same == 'exit status 1 '* && $renamed == 'exit status 0 ' ]]
