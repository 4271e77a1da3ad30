package agentproto

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// messages are one of each type, with every member set by fill.
var messages = map[string]any{
	TypeHeartbeat:               &Heartbeat{},
	TypeHeartbeatAck:            &HeartbeatAck{},
	TypePayload:                 &Payload{},
	TypeAck:                     &Ack{},
	TypeNack:                    &Nack{},
	TypeCredentials:             &Credentials{},
	TypeCredentialsAck:          &CredentialsAck{},
	TypeTaskManifest:            &TaskManifest{},
	TypeTaskStopVerification:    &TaskStopVerification{},
	TypeTaskStopVerificationAck: &TaskStopVerificationAck{},
	TypeClose:                   &Close{},
	TypePublishMetrics:          &PublishMetrics{},
	TypePublishHealth:           &PublishHealth{},
	TypePublishInstanceStatus:   &PublishInstanceStatus{},
	TypeAckMetric:               &TelemetryAck{},
}

// fill sets every member of v to something that is not its zero value.
func fill(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem())
	case reflect.Struct:
		for _, member := range v.Fields() {
			fill(member)
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		fill(v.Index(0))
		fill(v.Index(1))
	case reflect.Map:
		value := reflect.New(v.Type().Elem()).Elem()
		fill(value)
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(reflect.ValueOf("key"), value)
	case reflect.String:
		v.SetString("text")
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Float64:
		v.SetFloat(1.5)
	default:
		v.SetInt(7)
	}
}

func TestEveryMessageSurvivesItsFrame(t *testing.T) {
	for kind, message := range messages {
		t.Run(kind, func(t *testing.T) {
			fill(reflect.ValueOf(message).Elem())
			frame, err := Encode(kind, message)
			if err != nil {
				t.Fatal(err)
			}
			e, err := Decode(frame)
			if err != nil || e.Type != kind {
				t.Fatalf("decoded as %q, %v", e.Type, err)
			}
			got := reflect.New(reflect.TypeOf(message).Elem()).Interface()
			if err := json.Unmarshal(e.Message, got); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(message, got); diff != "" {
				t.Errorf("changed on the way (-sent +received):\n%s", diff)
			}
		})
	}
}

// The strings inside a payload are Docker's JSON and go the same way.
func TestDockerConfigSurvives(t *testing.T) {
	for _, v := range []any{&Config{}, &HostConfig{}} {
		fill(reflect.ValueOf(v).Elem())
		text, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		got := reflect.New(reflect.TypeOf(v).Elem()).Interface()
		if err := json.Unmarshal(text, got); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(v, got); diff != "" {
			t.Errorf("changed on the way (-sent +received):\n%s", diff)
		}
	}
}

// An agent of another version may send members that this one does not know.
func TestUnknownMembersAreIgnored(t *testing.T) {
	e, err := Decode([]byte(`{"type":"AckRequest","version":3,"message":{"cluster":"c","containerInstance":"i","messageId":"m","news":{"a":1}}}`))
	if err != nil || e.Type != TypeAck {
		t.Fatalf("%+v, %v", e, err)
	}
	var ack Ack
	if err := json.Unmarshal(e.Message, &ack); err != nil || ack != (Ack{"c", "i", "m"}) {
		t.Errorf("%+v, %v", ack, err)
	}
}

func TestDecodeRefuses(t *testing.T) {
	for name, frame := range map[string]string{
		"nothing": "", "no JSON": "hello", "no object": `[]`, "no type": `{"message":{}}`, "an empty type": `{"type":""}`,
		"a type that is no text": `{"type":1}`,
	} {
		if e, err := Decode([]byte(frame)); err == nil {
			t.Errorf("%s: decoded as %+v", name, e)
		}
	}
}

func TestEncodeRefusesWhatIsNoJSON(t *testing.T) {
	if frame, err := Encode(TypePayload, func() {}); err == nil || !strings.Contains(err.Error(), TypePayload) {
		t.Errorf("encoded as %s, %v", frame, err)
	}
}
