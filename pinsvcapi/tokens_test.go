package pinsvcapi

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
)

// What is read value by value is what encoding/json makes of the whole.
func TestEachIsAsEncodingJSON(t *testing.T) {
	for _, raw := range []string{
		``, `null`, ` null `, `null null`, `{}`, ` { } `, `{"a":"b"}`, `{"a":"b",}`, `{"a":"b"} x`, `{"a":"b"}{}`,
		`{"a":1}`, `{"a":{}}`, `{"a":[]}`, `{"a":true}`, `{"a"}`, `{a:"b"}`, `{"a":"b" "c":"d"}`, `{,}`, `{"a":"b"`,
		`{"a":"1","a":"2"}`, `{"\u0061":"\ud800"}`, `[]`, `["a"]`, `["a",]`, `[,]`, `["a" "b"]`, `["a"`, `["a"]]`,
		`[1]`, `[[]]`, `[{}]`, `["a","b"] `, `"a"`, `1`, `{"a":"b"}` + "\x00", "{\"a\":\"\xff\"}",
	} {
		object := map[string]string{}
		err := eachEntry([]byte(raw), func(k string, v any) error {
			s, is := v.(string)
			if !is {
				return errNoStrings
			}
			object[k] = s
			return nil
		})
		want := map[string]string{}
		wantErr := json.Unmarshal([]byte(raw), &want)
		require.Equal(t, wantErr == nil, err == nil, "%q: %v, %v", raw, wantErr, err)
		if err == nil && want != nil {
			require.Equal(t, want, object, "%q", raw)
		}

		var list, wantList []string
		err = eachString([]byte(raw), func(s string) { list = append(list, s) })
		wantErr = json.Unmarshal([]byte(raw), &wantList)
		require.Equal(t, wantErr == nil, err == nil, "%q: %v, %v", raw, wantErr, err)
		if err == nil {
			require.ElementsMatch(t, wantList, list, "%q", raw)
		}
	}
}
