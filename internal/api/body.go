package api

import (
	"encoding/json"
	"errors"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"
)

// errNotUTF8 is what is wrong with a body that JSON does not allow and the decoder does.
var errNotUTF8 = errors.New("is not valid UTF-8, which JSON must be")

// bodyFormats reads bodies as JSON. The decoder alone would put replacement
// characters in place of malformed bytes, and so store a name that nobody sent.
func bodyFormats() map[string]huma.Format {
	f := huma.DefaultJSONFormat
	f.Unmarshal = func(data []byte, v any) error {
		if !utf8.Valid(data) {
			return errNotUTF8
		}
		return json.Unmarshal(data, v)
	}
	return map[string]huma.Format{"application/json": f, "json": f}
}
