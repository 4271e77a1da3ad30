package ssmchannel_test

import (
	"errors"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/slipway/slipway/internal/ssmchannel"
)

func TestSplit(t *testing.T) {
	for name, tc := range map[string]struct {
		command string
		want    []string
		err     error
	}{
		"nothing":              {"", nil, nil},
		"blanks":               {" \t\n ", nil, nil},
		"a shell":              {"/bin/sh", []string{"/bin/sh"}, nil},
		"words":                {"ls  -l\t/tmp\n", []string{"ls", "-l", "/tmp"}, nil},
		"single quotes":        {`sh -c 'echo "a" \n $HOME'`, []string{"sh", "-c", `echo "a" \n $HOME`}, nil},
		"double quotes":        {`sh -c "echo \"a b\" 'c'"`, []string{"sh", "-c", `echo "a b" 'c'`}, nil},
		"escapes":              {`a\ b \'c`, []string{"a b", "'c"}, nil},
		"an empty word":        {`a '' ""`, []string{"a", "", ""}, nil},
		"quotes in a word":     {`a'b c'd"e f"`, []string{"ab cde f"}, nil},
		"a comment":            {"a #b c\nd", []string{"a", "d"}, nil},
		"a # in a word":        {"a#b '#c'", []string{"a#b", "#c"}, nil},
		"an open quote":        {`sh -c 'echo`, nil, ssmchannel.ErrQuote},
		"an open double":       {`sh -c "echo`, nil, ssmchannel.ErrQuote},
		"an escape at the end": {`a \`, nil, ssmchannel.ErrEscape},
		"… in quotes":          {`"a \`, nil, ssmchannel.ErrEscape},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := ssmchannel.Split(tc.command)
			if !errors.Is(err, tc.err) || !slices.Equal(got, tc.want) {
				t.Errorf("got %q, %v", got, err)
			}
		})
	}
}

func TestJoinIsUndoneBySplit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		words := rapid.SliceOf(rapid.StringOf(rapid.RuneFrom([]rune("ab '\"\\#\n\t$é")))).Draw(t, "words")
		got, err := ssmchannel.Split(ssmchannel.Join(words))
		if err != nil || !slices.Equal(got, words) {
			t.Fatalf("got %q, %v", got, err)
		}
	})
}
