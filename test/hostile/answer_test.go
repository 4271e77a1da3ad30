package hostile

import (
	"bufio"
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/slipway/slipway/internal/wire"
)

//go:embed testdata/errors.txt
var modelled string

// codes are the error codes that the models list, by operation.
var codes = func() map[string][]string {
	all := map[string][]string{}
	for sc := bufio.NewScanner(strings.NewReader(modelled)); sc.Scan(); {
		if f := strings.Fields(sc.Text()); len(f) > 0 && f[0] != "#" {
			all[f[0]] = f[1:]
		}
	}
	return all
}()

// common are the codes that any operation of a protocol may answer besides (the
// services' Common Errors pages), as far as an authenticated caller can meet them.
var common = map[string][]string{
	wire.ProtocolJSON:  {"SerializationException", "AccessDeniedException"},
	wire.ProtocolQuery: {"MalformedInput", "InvalidAction", "ValidationError"},
	wire.ProtocolEC2: {
		"MalformedInput", "InvalidParameterValue", "MissingParameter", "InvalidParameterCombination", "InvalidNextToken",
		"InvalidInstanceID.NotFound", "InvalidInstanceID.Malformed", "InvalidVpcID.NotFound", "InvalidSubnetID.NotFound", "FilterLimitExceeded", "DryRunOperation",
		"InvalidVpcID.Malformed", "InvalidSubnetID.Malformed",
	},
}

// attack sends an input and judges the answer.
func (c *caller) attack(ctx context.Context, op wire.Served, body []byte) (answer, error) {
	got, err := c.send(ctx, op, body)
	if err != nil {
		return got, err
	}
	return got, c.judge(op, body, got)
}

// judge tells what is wrong with an answer, if anything.
func (c *caller) judge(op wire.Served, body []byte, got answer) error {
	switch {
	case got.requestID == "":
		return fmt.Errorf("no request id")
	case got.status != http.StatusOK && (got.status < 400 || got.status > 499):
		return fmt.Errorf("status %d: %.500s", got.status, got.body)
	}
	code, err := errorCode(op, got)
	if err != nil {
		return err
	}
	listed := slices.Concat(codes[op.Action], common[op.Service.Protocols[0]], []string{op.Service.InvalidCode})
	if got.status != http.StatusOK && !slices.Contains(listed, code) {
		return fmt.Errorf("code %q is not one of the operation: %.500s", code, got.body)
	}
	if len(got.body) > 4<<20 && len(got.body) > 4*len(body) {
		return fmt.Errorf("an answer of %d bytes to an input of %d", len(got.body), len(body))
	}
	return c.leak(got.body)
}

// leak finds secrets of other accounts in an answer.
func (c *caller) leak(got []byte) error {
	for rest := got; ; {
		at := bytes.Index(rest, []byte(secret))
		if at < 0 {
			return nil
		}
		if rest = rest[at:]; !bytes.HasPrefix(rest, []byte(c.secret())) {
			return fmt.Errorf("the answer tells something of another account: %.200s", rest)
		}
		rest = rest[len(secret):]
	}
}

// wordless are the codes that AWS answers without a text.
var wordless = []string{"SerializationException", "ParameterNotFound"}

// errorCode reads a body in the operation's protocol; "" of a success.
func errorCode(op wire.Served, got answer) (string, error) {
	if isForm(op) {
		return xmlCode(op, got)
	}
	var v object
	d := json.NewDecoder(bytes.NewReader(got.body))
	if err := d.Decode(&v); err != nil {
		return "", fmt.Errorf("the body is no JSON object (%w): %.500q", err, got.body)
	}
	if d.More() {
		return "", fmt.Errorf("more than one JSON object: %.500q", got.body)
	}
	if want := "application/x-amz-json-" + op.Service.JSONVersion; got.kind != want {
		return "", fmt.Errorf("content type %q", got.kind)
	}
	if got.status == http.StatusOK {
		return "", nil
	}
	code, _ := v["__type"].(string)
	text, _ := v["message"].(string)
	if code == "" || text == "" && !slices.Contains(wordless, code) {
		return "", fmt.Errorf("an error without code or text: %.500s", got.body)
	}
	return code, nil
}

// xmlError is the error of query and of ec2 in one.
type xmlError struct {
	XMLName xml.Name
	Query   struct{ Code, Message, Type string } `xml:"Error"`
	EC2     struct {
		Error struct{ Code, Message string }
	} `xml:"Errors"`
	QueryID string `xml:"RequestId"`
	EC2ID   string `xml:"RequestID"`
}

func xmlCode(op wire.Served, got answer) (string, error) {
	var v xmlError
	if err := xml.Unmarshal(got.body, &v); err != nil {
		return "", fmt.Errorf("the body is no XML (%w): %.500q", err, got.body)
	}
	if got.status == http.StatusOK {
		_, name, _ := strings.Cut(op.Action, ":")
		if v.XMLName.Local != name+"Response" {
			return "", fmt.Errorf("the answer is called %s", v.XMLName.Local)
		}
		return "", nil
	}
	code, text := v.Query.Code+v.EC2.Error.Code, v.Query.Message+v.EC2.Error.Message
	if code == "" || text == "" || v.QueryID+v.EC2ID != got.requestID {
		return "", fmt.Errorf("an error without code, text or the request id: %.500s", got.body)
	}
	return code, nil
}
