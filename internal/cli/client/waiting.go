package client

import "encoding/json"

// Waiting is the answer to a change that waits for a second person (status 202): nothing
// has changed yet.
type Waiting struct {
	Detail string
	ID     string // of the action
	Body   []byte // the whole answer
}

func (w *Waiting) Error() string { return w.Detail }

const maxWaiting = 1 << 20 // bytes of such an answer

// waiting reads the answer; nil when it is another one.
func waiting(body []byte) *Waiting {
	var v struct {
		Detail string `json:"detail"`
		Action struct {
			ID string `json:"id"`
		} `json:"governance_action"`
	}
	if json.Unmarshal(body, &v) != nil || v.Action.ID == "" {
		return nil
	}
	return &Waiting{Detail: v.Detail, ID: v.Action.ID, Body: body}
}
