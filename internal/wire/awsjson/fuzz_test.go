package awsjson_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/slipway/slipway/internal/service/ecs/ecsshape"
	"github.com/slipway/slipway/internal/wire/awsjson"
	"github.com/slipway/slipway/internal/wire/shape"
	"github.com/slipway/slipway/internal/wire/validate"
)

var plan = shape.NewPlanner(ecsshape.API.Constraints).Plan(reflect.TypeFor[ecsshape.RegisterTaskDefinitionInput]())

// FuzzDecode holds that whatever decodes is JSON, can be validated, and comes
// back the same from what the encoder and encoding/json make of it.
func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"family":"f","containerDefinitions":[{"name":"a","cpu":1,"memory":2.0,"essential":true,"environment":[{"name":"x","value":"\u00e9\ud83d\ude00"}],"dockerLabels":{"a":"b"}}]}`))
	f.Add([]byte(`{"tags":[{"key":"!"},null],"requiresCompatibilities":["MOON"],"volumes":[],"unknown":{"deep":[[[1e5,-0.0,true,null]]]}}`))
	f.Add([]byte(`{"containerDefinitions":[{"ulimits":[{"name":"nofile","softLimit":99999999999}]}]}`))
	f.Add([]byte(`{"family":"\ud800","cpu":"\`))
	f.Add([]byte(strings.Repeat(`{"a":[`, 100)))
	f.Add([]byte(""))
	f.Fuzz(func(t *testing.T, data []byte) {
		var in ecsshape.RegisterTaskDefinitionInput
		v := reflect.ValueOf(&in).Elem()
		if _, err := awsjson.Decode(data, plan, v); err != nil {
			return
		}
		if len(strings.TrimSpace(string(data))) > 0 && !json.Valid(data) {
			t.Fatalf("no JSON, but decoded: %q", data)
		}
		validate.Input(plan, ecsshape.API.Constraints, v)

		written := awsjson.Append(nil, plan, v)
		var again, plain ecsshape.RegisterTaskDefinitionInput
		if _, err := awsjson.Decode(written, plan, reflect.ValueOf(&again).Elem()); err != nil {
			t.Fatalf("decode what was encoded, %s: %v", written, err)
		}
		if err := json.Unmarshal(written, &plain); err != nil {
			t.Fatalf("encoding/json on %s: %v", written, err)
		}
		if !reflect.DeepEqual(in, again) || !reflect.DeepEqual(in, plain) {
			t.Fatalf("changed on the way: %s", written)
		}
	})
}
