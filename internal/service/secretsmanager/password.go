package secretsmanager

import "strings"

// The character types of generated passwords (GetRandomPassword in the API reference).
const (
	lowercase   = "abcdefghijklmnopqrstuvwxyz"
	uppercase   = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	digits      = "0123456789"
	punctuation = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"
)

// PasswordRules say what a generated password is made of. The zero value of each is AWS's default, but for Each.
type PasswordRules struct {
	Length                                                                 int
	ExcludeLowercase, ExcludeUppercase, ExcludeNumbers, ExcludePunctuation bool
	IncludeSpace                                                           bool
	Exclude                                                                string // single characters
	Each                                                                   bool   // at least one of each type
}

// RandomPassword makes a password by the rules.
func RandomPassword(rules PasswordRules) (string, error) {
	var types []string
	for _, t := range []struct {
		letters string
		out     bool
	}{
		{lowercase, rules.ExcludeLowercase},
		{uppercase, rules.ExcludeUppercase},
		{digits, rules.ExcludeNumbers},
		{punctuation, rules.ExcludePunctuation},
		{" ", !rules.IncludeSpace},
	} {
		letters := strings.Map(func(r rune) rune {
			if strings.ContainsRune(rules.Exclude, r) {
				return -1
			}
			return r
		}, t.letters)
		if !t.out && letters != "" {
			types = append(types, letters)
		}
	}
	if len(types) == 0 {
		return "", refuse(InvalidParameter, "The password can't be generated because every character type is excluded.")
	}
	if rules.Each && rules.Length < len(types) {
		return "", refuse(InvalidParameter, "The password length is too short for one character of each included type.")
	}
	all := strings.Join(types, "")
	password := make([]byte, rules.Length)
	for i := range password {
		from := all
		if rules.Each && i < len(types) {
			from = types[i]
		}
		password[i] = from[randomBelow(len(from))]
	}
	for i := len(password) - 1; i > 0; i-- { // the types that had to come are not to be in front
		j := randomBelow(i + 1)
		password[i], password[j] = password[j], password[i]
	}
	return string(password), nil
}
