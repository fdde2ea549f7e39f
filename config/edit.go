package config

import (
	"encoding/json"
	"fmt"
)

// SetMember returns a JSON document in which the member that the keys lead to
// has another value. Everything else stays, in its order, whether somebody
// knows it or not. The member is added at the end of its object when it is not
// there, and so are objects on the way to it; null counts as not there. The
// error names the key whose value is no object.
func SetMember(document []byte, value any, keys ...string) ([]byte, error) {
	if len(keys) == 0 {
		return json.Marshal(value)
	}
	if len(document) == 0 || string(document) == "null" {
		document = []byte("{}")
	}
	members, err := membersOf(document)
	if err != nil {
		return nil, err
	}
	at := -1
	for i, m := range members {
		if m.key == keys[0] {
			at = i // of several the last one counts
		}
	}
	if at < 0 {
		at = len(members)
		members = append(members, member{key: keys[0]})
	}
	if members[at].raw, err = SetMember(members[at].raw, value, keys[1:]...); err != nil {
		return nil, fmt.Errorf("%s: %w", keys[0], err)
	}
	return object(members)
}
