package wire_test

import (
	"context"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	ecstypes "github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/slipway/slipway/internal/apierr"
	"github.com/slipway/slipway/internal/service/ec2/ec2shape"
	"github.com/slipway/slipway/internal/service/ecr/ecrshape"
	"github.com/slipway/slipway/internal/service/ecs/ecsshape"
	"github.com/slipway/slipway/internal/wire"
	"github.com/slipway/slipway/internal/wire/shape"
)

var unexported = cmp.Exporter(func(reflect.Type) bool { return true })

func TestTypedErrorsInSDK(t *testing.T) {
	s := serve(t, nil)
	wire.Handle(s.Mux, ecsshape.RunTask, func(_ context.Context, _ *wire.Call, in *ecsshape.RunTaskInput) (*ecsshape.RunTaskOutput, error) {
		if *in.TaskDefinition == "conflict" {
			return nil, apierr.Client(ecsshape.CodeConflictException, "used").With("resourceIds", []string{"a"})
		}
		return nil, apierr.Client(ecsshape.CodeClusterNotFoundException, "Cluster not found.")
	})
	_, err := s.ecs().RunTask(t.Context(), &ecs.RunTaskInput{TaskDefinition: new("t")})
	if e, ok := errors.AsType[*ecstypes.ClusterNotFoundException](err); !ok || e.ErrorMessage() != "Cluster not found." {
		t.Errorf("error = %v, want ClusterNotFoundException", err)
	}
	_, err = s.ecs().RunTask(t.Context(), &ecs.RunTaskInput{TaskDefinition: new("conflict")})
	if e, ok := errors.AsType[*ecstypes.ConflictException](err); !ok || len(e.ResourceIds) != 1 {
		t.Errorf("error = %v, want ConflictException with resourceIds", err)
	}
}

// fill draws a value of any generated shape.
func fill(t *rapid.T, v reflect.Value, depth int) {
	switch x := v.Addr().Interface().(type) {
	case *shape.Time:
		*x = *shape.At(time.UnixMilli(rapid.Int64Range(1, 4e12).Draw(t, "ms")))
		return
	case *shape.Document:
		*x = shape.Document(`{"a":[1,"b",null]}`)
		return
	case *[]byte:
		*x = rapid.SliceOf(rapid.Byte()).Draw(t, "blob")
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(rapid.StringN(0, 8, -1).Draw(t, "string"))
	case reflect.Bool:
		v.SetBool(rapid.Bool().Draw(t, "bool"))
	case reflect.Int32:
		v.SetInt(int64(rapid.Int32().Draw(t, "int")))
	case reflect.Int64:
		v.SetInt(rapid.Int64().Draw(t, "long"))
	case reflect.Float64:
		v.SetFloat(rapid.Float64Range(-1e18, 1e18).Draw(t, "float"))
	default:
		fillComposite(t, v, depth)
	}
}

func fillComposite(t *rapid.T, v reflect.Value, depth int) {
	if v.Kind() == reflect.Struct {
		for i := range v.NumField() {
			if rapid.IntRange(0, 2+depth).Draw(t, "absent") == 0 {
				fill(t, v.Field(i), depth+1)
			}
		}
		return
	}
	n := rapid.IntRange(0, 2).Draw(t, "length")
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(t, v.Elem(), depth)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), n, n))
		for i := range n {
			fill(t, v.Index(i), depth)
		}
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		for range n {
			item := reflect.New(v.Type().Elem()).Elem()
			fill(t, item, depth)
			v.SetMapIndex(reflect.ValueOf(rapid.StringN(0, 8, -1).Draw(t, "key")), item)
		}
	}
}

// same compares a shape with what the SDK made of it. The SDK has no absent
// plain scalars and strings for enumerations; it names members alike.
func same(path string, ours, theirs reflect.Value) string {
	if t, ok := ours.Interface().(*shape.Time); ok {
		return differ(path, t == nil, theirs.IsNil(), t.Or(), theirs)
	}
	if ours.Kind() == reflect.Pointer {
		if ours.IsNil() {
			if !theirs.IsZero() {
				return path + ": absent became " + theirs.String()
			}
			return ""
		}
		if theirs.Kind() == reflect.Pointer {
			if theirs.IsNil() {
				return path + ": got lost"
			}
			theirs = theirs.Elem()
		}
		return same(path, ours.Elem(), theirs)
	}
	switch ours.Kind() {
	case reflect.Struct:
		return sameMembers(path, ours, theirs)
	case reflect.Slice, reflect.Map:
		if ours.Len() != theirs.Len() || ours.IsNil() != theirs.IsNil() {
			return path + ": lists or maps differ in length or presence"
		}
		return sameItems(path, ours, theirs)
	case reflect.String:
		if ours.String() != theirs.String() {
			return path + ": " + ours.String() + " became " + theirs.String()
		}
		return ""
	}
	if !reflect.DeepEqual(ours.Interface(), theirs.Convert(ours.Type()).Interface()) {
		return path + ": numbers differ"
	}
	return ""
}

func sameMembers(path string, ours, theirs reflect.Value) string {
	for i := range ours.NumField() {
		name := ours.Type().Field(i).Name
		f := theirs.FieldByName(name)
		if !f.IsValid() {
			return path + ": the SDK has no " + name
		}
		if f.Kind() == reflect.Interface { // a document, which is its own kind of value in the SDK
			continue
		}
		if d := same(path+"."+name, ours.Field(i), f); d != "" {
			return d
		}
	}
	return ""
}

func sameItems(path string, ours, theirs reflect.Value) string {
	if ours.Kind() == reflect.Slice {
		for i := range ours.Len() {
			if d := same(path+"[]", ours.Index(i), theirs.Index(i)); d != "" {
				return d
			}
		}
		return ""
	}
	for _, k := range ours.MapKeys() {
		other := theirs.MapIndex(k)
		if !other.IsValid() {
			return path + ": key got lost"
		}
		if d := same(path+"{}", ours.MapIndex(k), other); d != "" {
			return d
		}
	}
	return ""
}

func differ(path string, absent, lost bool, want time.Time, got reflect.Value) string {
	if absent != lost {
		return path + ": time differs in presence"
	}
	// The SDK goes through a float and cuts, which can cost it a millisecond.
	if !absent && want.Sub(got.Elem().Interface().(time.Time)).Abs() > time.Millisecond {
		return path + ": " + want.String() + " became " + got.Elem().Interface().(time.Time).String()
	}
	return ""
}

// roundTrip checks that the SDK decodes what the server encodes to the same
// values, whatever they are.
func roundTrip[In, Out any](t *testing.T, op *wire.Operation[In, Out], call func(ctx context.Context, s *served) (any, error)) {
	s := serve(t, nil)
	var answer *Out
	wire.Handle(s.Mux, op, func(context.Context, *wire.Call, *In) (*Out, error) { return answer, nil })
	rapid.Check(t, func(rt *rapid.T) {
		answer = new(Out)
		fill(rt, reflect.ValueOf(answer).Elem(), 0)
		got, err := call(t.Context(), s)
		if err != nil {
			rt.Fatal(err)
		}
		if d := same(op.Name, reflect.ValueOf(answer).Elem(), reflect.ValueOf(got).Elem()); d != "" {
			rt.Fatal(d)
		}
	})
}

func TestSDKReadsWhatJSONWrites(t *testing.T) {
	one := "xx"
	t.Run("DescribeServices", func(t *testing.T) {
		roundTrip(t, ecsshape.DescribeServices, func(ctx context.Context, s *served) (any, error) {
			return s.ecs().DescribeServices(ctx, &ecs.DescribeServicesInput{Services: []string{one}})
		})
	})
	t.Run("DescribeTaskDefinition", func(t *testing.T) {
		roundTrip(t, ecsshape.DescribeTaskDefinition, func(ctx context.Context, s *served) (any, error) {
			return s.ecs().DescribeTaskDefinition(ctx, &ecs.DescribeTaskDefinitionInput{TaskDefinition: &one})
		})
	})
	t.Run("DescribeContainerInstances", func(t *testing.T) {
		roundTrip(t, ecsshape.DescribeContainerInstances, func(ctx context.Context, s *served) (any, error) {
			return s.ecs().DescribeContainerInstances(ctx, &ecs.DescribeContainerInstancesInput{ContainerInstances: []string{one}})
		})
	})
	t.Run("DescribeImages", func(t *testing.T) {
		roundTrip(t, ecrshape.DescribeImages, func(ctx context.Context, s *served) (any, error) {
			return s.ecr().DescribeImages(ctx, &ecr.DescribeImagesInput{RepositoryName: &one})
		})
	})
}

func TestSDKReadsWhatEC2Writes(t *testing.T) {
	// XML cannot hold control characters; strings are drawn without them there.
	s := serve(t, nil)
	var answer *ec2shape.DescribeVpcsOutput
	wire.Handle(s.Mux, ec2shape.DescribeVpcs, func(context.Context, *wire.Call, *ec2shape.DescribeVpcsInput) (*ec2shape.DescribeVpcsOutput, error) {
		return answer, nil
	})
	rapid.Check(t, func(rt *rapid.T) {
		answer = new(ec2shape.DescribeVpcsOutput)
		fill(rt, reflect.ValueOf(answer).Elem(), 0)
		printable(reflect.ValueOf(answer).Elem())
		got, err := s.ec2().DescribeVpcs(t.Context(), nil)
		if err != nil {
			rt.Fatal(err)
		}
		if d := same("DescribeVpcs", reflect.ValueOf(answer).Elem(), reflect.ValueOf(got).Elem()); d != "" {
			rt.Fatal(d)
		}
	})
}

// printable replaces what XML cannot hold in every string under v.
func printable(v reflect.Value) {
	switch v.Kind() {
	case reflect.String:
		v.SetString(strings.Map(func(r rune) rune {
			if r < ' ' || r == 0xFFFE || r == 0xFFFF {
				return '.'
			}
			return r
		}, v.String()))
	case reflect.Pointer:
		if !v.IsNil() {
			printable(v.Elem())
		}
	case reflect.Slice:
		for i := range v.Len() {
			printable(v.Index(i))
		}
	case reflect.Struct:
		for i := range v.NumField() {
			printable(v.Field(i))
		}
	}
}
