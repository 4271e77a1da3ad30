package shape

import "encoding/json"

// Document is a value of any JSON type, kept as it was written. It is always
// well-formed JSON; nil is absent.
type Document json.RawMessage

// MarshalJSON writes the document as it is.
func (d Document) MarshalJSON() ([]byte, error) {
	if d == nil {
		return []byte("null"), nil
	}
	return d, nil
}

// UnmarshalJSON keeps a copy of b.
func (d *Document) UnmarshalJSON(b []byte) error {
	*d = append(Document(nil), b...)
	return nil
}
