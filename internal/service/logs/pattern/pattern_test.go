package pattern_test

import (
	"errors"
	"maps"
	"strings"
	"testing"

	"github.com/slipway/slipway/internal/service/logs/pattern"
)

const accessLog = `127.0.0.1 - frank [10/Oct/2000:13:25:15 -0700] "GET /apache_pb.gif HTTP/1.0" 200 1534`

const trail = `{"eventType":"UpdateTrail","sourceIPAddress":"111.111.111.111","arrayKey":["value","another value"],
"objectList":[{"name":"a","id":1},{"name":"b","id":2}],"SomeObject":null,"cluster.name":"c","count":12.5,"big":1e3,
"ok":true,"bad":false,"user":{"id":1,"email":"John.Stiles@example.com"},"text":"a\"b","digits":"42","empty":""}`

func TestMatch(t *testing.T) {
	for _, tc := range []struct {
		name, pattern string
		yes, no       []string
	}{
		{"nothing", "", []string{"x", "", trail}, nil},
		{"spaces", "  ", []string{"x"}, nil},

		{"a word", "ERROR", []string{"[ERROR 400] BAD", "xERRORx"}, []string{"error", "ERR OR", ""}},
		{"all words", "ERROR ARGUMENTS", []string{"ARGUMENTS: ERROR"}, []string{"ERROR", "ARGUMENTS"}},
		{"one of words", "?ERROR ?ARGUMENTS", []string{"ERROR", "the ARGUMENTS"}, []string{"fine"}},
		{"without a word", "ERROR -ARGUMENTS", []string{"ERROR 400"}, []string{"ERROR ARGUMENTS", "x"}},
		{"only without", "-DEBUG", []string{"x"}, []string{"DEBUG x"}},
		{"optional beside required", "?ERROR ?WARN REQUEST", []string{"REQUEST"}, []string{"ERROR", "WARN"}},
		{"optional beside excluded", "?ERROR -DEBUG", []string{"REQUEST"}, []string{"ERROR DEBUG"}},
		{"a phrase", `"INTERNAL SERVER ERROR"`, []string{"an INTERNAL SERVER ERROR!"}, []string{"INTERNAL ERROR SERVER"}},
		{"a phrase with a quote", `"say \"no\""`, []string{`they say "no"`}, []string{`say no`}},
		{"an asterisk is itself in a phrase", `"a*b"`, []string{"a*b"}, []string{"axb"}},
		{"a phrase with a backslash", `"C:\dir"`, []string{`C:\dir\x`}, []string{`C:dir`}},
		{"without a phrase", `a -"b c"`, []string{"a b d c"}, []string{"a b c"}},
		{"not only ASCII", "größe_1", []string{"die größe_1"}, []string{"grosse_1"}},
		{"a regular expression", `%AUTHORIZED%`, []string{"UNAUTHORIZED"}, []string{"authorized"}},
		{"a regular expression with classes", `%[45]\d{2}$%`, []string{"status 404", "500"}, []string{"404 x", "300"}},
		{"a percent sign in one", `%100\%%`, []string{"is 100% done"}, []string{"is 100 done"}},
		{"optional regular expressions", `?%^a% ?b`, []string{"ax", "xb"}, []string{"xa"}},

		{"equal text", `{ $.eventType = "UpdateTrail" }`, []string{trail}, []string{`{"eventType":"updatetrail"}`, "UpdateTrail", "{", "[]", `{"eventType":["UpdateTrail"]}`}},
		{"equal text without spaces", `{$.eventType="UpdateTrail"}`, []string{trail}, nil},
		{"bare text", `{ $.eventType = UpdateTrail }`, []string{trail}, nil},
		{"other text", `{ $.eventType != "DeleteTrail" }`, []string{trail}, []string{`{"eventType":"DeleteTrail"}`, `{"x":1}`}},
		{"a wildcard", `{ $.eventType = "Up*Tr*l" }`, []string{trail, `{"eventType":"UpTrl"}`}, []string{`{"eventType":"UpTra"}`, `{"eventType":"UTrail"}`}},
		{"any text", `{ $.eventType = * }`, []string{trail, `{"eventType":""}`}, []string{`{"x":1}`}},
		{"a bare address with a wildcard", `{ $.sourceIPAddress != 123.123.* }`, []string{trail}, []string{`{"sourceIPAddress":"123.123.1.1"}`}},
		{"an item", `{ $.arrayKey[0] = "value" }`, []string{trail}, []string{`{"arrayKey":["x","value"]}`, `{"arrayKey":[]}`, `{"arrayKey":{"0":"value"}}`}},
		{"a member of an item", `{ $.objectList[1].id = 2 }`, []string{trail}, []string{`{"objectList":[{"id":2}]}`}},
		{"any item", `{ $.objectList[*].id = 2 }`, []string{trail}, []string{`{"objectList":[{"id":3}]}`}},
		{"any member", `{ $.*.id = 1 }`, []string{trail}, []string{`{"id":1}`}},
		{"a member in brackets", `{ $["cluster.name"] = "c" }`, []string{trail}, []string{`{"cluster":{"name":"c"}}`}},
		{"a member in other brackets", `{ $.['cluster.name'] = "c" }`, []string{trail}, nil},
		{"an item of the root", `{ $[1] = 2 }`, []string{`[1,2]`}, []string{`[2]`}},
		{"null", `{ $.SomeObject IS NULL }`, []string{trail}, []string{`{"SomeObject":0}`, `{}`}},
		{"absent", `{ $.SomeOtherObject NOT EXISTS }`, []string{trail, `{}`}, []string{`{"SomeOtherObject":null}`, "no JSON"}},
		{"true", `{ $.ok IS TRUE }`, []string{trail}, []string{`{"ok":false}`, `{"ok":"true"}`}},
		{"false", `{$.bad IS FALSE}`, []string{trail}, []string{`{"bad":true}`, `{"bad":[]}`, `{"bad":{}}`}},
		{"greater", `{ $.count > 12 }`, []string{trail}, []string{`{"count":12}`, `{"count":"many"}`}},
		{"greater or equal", `{ $.count >= 12.5 }`, []string{trail}, []string{`{"count":12.4}`}},
		{"smaller", `{ $.count < 1.3e1 }`, []string{trail}, []string{`{"count":13}`}},
		{"smaller or equal", `{ $.count <= 12.5 }`, []string{trail, `{"count":-1}`}, []string{`{"count":12.6}`}},
		{"equal numbers written differently", `{ $.big = 1000 }`, []string{trail}, []string{`{"big":100}`}},
		{"another number", `{ $.big != 1000 }`, []string{`{"big":1}`}, []string{trail}},
		{"a number in a text", `{ $.digits > 41 }`, []string{trail}, nil},
		{"a negative number", `{ $.a = -5 }`, []string{`{"a":-5}`}, []string{`{"a":5}`}},
		{"empty text", `{ $.empty = "" }`, []string{trail}, []string{`{"empty":" "}`}},
		{"and", `{ ($.user.id = 1) && ($.count > 12) }`, []string{trail}, []string{`{"user":{"id":1},"count":1}`}},
		{"or", `{ $.user.id = 9 || $.count > 12 }`, []string{trail}, []string{`{"user":{"id":1},"count":1}`}},
		{"and before or", `{ $.a = 1 || $.b = 1 && $.c = 1 }`, []string{`{"a":1}`, `{"b":1,"c":1}`}, []string{`{"b":1}`, `{"c":1}`}},
		{"parentheses", `{ ($.a = 1 || $.b = 1) && $.c = 1 }`, []string{`{"a":1,"c":1}`}, []string{`{"a":1}`, `{"b":1}`}},
		{"a regular expression on a member", `{ $.eventType = %Trail$% && $.sourceIPAddress = %^1{3}\.% }`, []string{trail}, []string{`{"eventType":"Trails","sourceIPAddress":"111.1"}`}},
		{"a quote in a value", `{ $.text = "a\"b" }`, []string{trail}, nil},
		{"an address", `{ $.user.email = "John.Stiles@*" }`, []string{trail}, nil},
		{"two documents", `{ $.a = 1 }`, []string{` {"a":1} `}, []string{`{"a":1} {"a":1}`, `x {"a":1}`}},

		{"columns", `[ip, user, username, timestamp, request, status_code, bytes]`, []string{accessLog}, []string{"a b", accessLog + " x"}},
		{"a column's text", `[ip, user, username, timestamp, request = "GET *", status_code = 2*, bytes]`, []string{accessLog}, []string{strings.Replace(accessLog, " 200 ", " 500 ", 1)}},
		{"a column's number", `[ip, user, username, timestamp, request, status_code, bytes > 1000]`, []string{accessLog}, []string{strings.Replace(accessLog, "1534", "99", 1), strings.Replace(accessLog, "1534", "-", 1)}},
		{"ellipsis in front", `[..., status_code = 4* || status_code = 2*, bytes]`, []string{accessLog}, []string{"x", "200 500 1"}},
		{"ellipsis in the middle", `[ip = 127.*, ..., bytes = 1534]`, []string{accessLog, "127.0.0.1 1534"}, []string{"1534"}},
		{"ellipsis behind", `[ip, user, username = frank, ...]`, []string{accessLog, "a b frank"}, []string{"a b"}},
		{"two conditions", `[w1 != %INFO% && w1 != %DEBUG%, ...]`, []string{"ERROR x"}, []string{"INFO x", "xDEBUG"}},
		{"parentheses in a column", `[(w1 = ERROR || w1 = WARN), w2]`, []string{"ERROR x", "WARN y"}, []string{"INFO x", "ERROR"}},
		{"no columns", `[]`, []string{"", "a b c"}, nil},
		{"a comma in quotes", `[a = "x,y", b]`, []string{`x,y z`}, []string{`x y`}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p, err := pattern.Parse(tc.pattern)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range tc.yes {
				if !p.MatchString(m) || p.Extract(m) == nil {
					t.Errorf("%s does not match %s", tc.pattern, m)
				}
			}
			for _, m := range tc.no {
				if p.MatchString(m) || p.Extract(m) != nil {
					t.Errorf("%s matches %s", tc.pattern, m)
				}
			}
		})
	}
}

func TestRefusals(t *testing.T) {
	for _, tc := range []struct{ name, pattern, reason string }{
		{"other characters", "a-b", "double quotes"},
		{"an address", "10.0.0.1", "double quotes"},
		{"a lonely minus", "-", "double quotes"},
		{"an open quote", `"abc`, "without its end"},
		{"an open regular expression", `%abc`, "without its end"},
		{"an empty regular expression", `%%`, "empty"},
		{"a bad regular expression", `%[z-a]%`, "not a regular expression"},
		{"a group", `%(a|b)%`, "parentheses"},
		{"an escape of another kind", `%\pL%`, "escape"},
		{"an open brace", `{ $.a = 1`, "brace"},
		{"an empty condition", `{ }`, "selector"},
		{"no selector", `{ a = 1 }`, "selector"},
		{"a bare root", `{ $ = 1 }`, "property"},
		{"no operator", `{ $.a }`, "operator"},
		{"no value", `{ $.a = }`, "value"},
		{"a text in order", `{ $.a > "x" }`, "needs a number"},
		{"IS nothing", `{ $.a IS }`, "NULL, TRUE or FALSE"},
		{"NOT nothing", `{ $.a NOT }`, "EXISTS"},
		{"an open parenthesis", `{ ($.a = 1 }`, "parenthesis"},
		{"text behind", `{ $.a = 1 } x`, "unexpected"},
		{"a negative item", `{ $.a[-1] = 1 }`, "brackets need"},
		{"three regular expressions", `{ $.a = %a% && $.b = %b% && $.c = %c% }`, "more than 2 regular expressions"},
		{"two wildcards in a selector", `{ $.*.* = 1 }`, "one wildcard"},
		{"four wildcards", `{ $.*.a = 1 || $.*.b = 1 || $.*.c = 1 || $.*.d = 1 }`, "more than 3 wildcards"},
		{"an open bracket", `[a, b`, "bracket"},
		{"an empty column", `[a, , b]`, "name is missing"},
		{"two ellipses", `[..., a, ...]`, "more than one ellipsis"},
		{"a condition on another column", `[a = 1 && b = 2]`, "in the place of"},
		{"text behind columns", `[a] b`, "unexpected"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := pattern.Parse(tc.pattern)
			if _, ok := errors.AsType[*pattern.SyntaxError](err); !ok || !strings.HasPrefix(err.Error(), "Invalid filter pattern") || !strings.Contains(err.Error(), tc.reason) {
				t.Errorf("%s: got %v, want %s", tc.pattern, err, tc.reason)
			}
		})
	}
}

func TestExtract(t *testing.T) {
	for _, tc := range []struct {
		name, pattern, message string
		want                   map[string]string
	}{
		{"terms", "GET", accessLog, map[string]string{}},
		{"JSON", `{ $.eventType = "*" && $.objectList[*].id > 1 && $.none NOT EXISTS }`, trail, map[string]string{"$.eventType": "UpdateTrail", "$.objectList[*].id": "1"}},
		{"no columns", "[]", accessLog, map[string]string{
			"$1": "127.0.0.1", "$2": "-", "$3": "frank", "$4": "10/Oct/2000:13:25:15 -0700", "$5": "GET /apache_pb.gif HTTP/1.0", "$6": "200", "$7": "1534",
		}},
		{"columns around an ellipsis", "[ip, ..., size = 1*]", accessLog, map[string]string{
			"$ip": "127.0.0.1", "$2": "-", "$3": "frank", "$4": "10/Oct/2000:13:25:15 -0700", "$5": "GET /apache_pb.gif HTTP/1.0", "$6": "200", "$size": "1534",
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p, err := pattern.Parse(tc.pattern)
			if err != nil {
				t.Fatal(err)
			}
			if got := p.Extract(tc.message); !maps.Equal(got, tc.want) {
				t.Errorf("got %v, want %v", got, tc.want)
			}
		})
	}
}

// Whatever a stranger sends as a pattern and as an event, there is an answer, and
// both ways to ask agree.
func FuzzParse(f *testing.F) {
	for _, p := range []string{"ERROR -a ?b", `"a \" b" %a\d%`, `{ ($.a.b[0] = "x*" || $["k"] IS NULL) && $.*.c >= 1.5 }`, `[a, b = 4* && b != "x", ..., (c < 3)]`} {
		f.Add(p, accessLog)
		f.Add(p, trail)
	}
	f.Fuzz(func(t *testing.T, text, message string) {
		p, err := pattern.Parse(text)
		if err != nil {
			if _, ok := errors.AsType[*pattern.SyntaxError](err); !ok {
				t.Fatalf("%q: %v is no syntax error", text, err)
			}
			return
		}
		if p.MatchString(message) != (p.Extract(message) != nil) {
			t.Errorf("%q and %q: match and extract differ", text, message)
		}
	})
}
