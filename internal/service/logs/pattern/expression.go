package pattern

// expression is a condition on an event of which lookup knows the values.
type expression[V any] interface{ holds(v V) bool }

type (
	// both is true if all of it are.
	both[V any] []expression[V]
	// either is true if one of it is.
	either[V any] []expression[V]
)

func (b both[V]) holds(v V) bool {
	for _, e := range b {
		if !e.holds(v) {
			return false
		}
	}
	return true
}

func (o either[V]) holds(v V) bool {
	for _, e := range o {
		if e.holds(v) {
			return true
		}
	}
	return false
}

// disjunction reads conditions joined by || and &&, of which && binds closer.
// leaf reads a single one.
func disjunction[V any](p *parser, leaf func() (expression[V], error)) (expression[V], error) {
	var all either[V]
	for more := true; more; more = p.accept("||") {
		e, err := conjunction(p, leaf)
		if err != nil {
			return nil, err
		}
		all = append(all, e)
	}
	if len(all) == 1 {
		return all[0], nil
	}
	return all, nil
}

func conjunction[V any](p *parser, leaf func() (expression[V], error)) (expression[V], error) {
	var all both[V]
	for more := true; more; more = p.accept("&&") {
		e, err := factor(p, leaf)
		if err != nil {
			return nil, err
		}
		all = append(all, e)
	}
	if len(all) == 1 {
		return all[0], nil
	}
	return all, nil
}

func factor[V any](p *parser, leaf func() (expression[V], error)) (expression[V], error) {
	if !p.accept("(") {
		p.spaces()
		return leaf()
	}
	e, err := disjunction(p, leaf)
	if err != nil {
		return nil, err
	}
	if !p.accept(")") {
		return nil, p.fail("a parenthesis without its end")
	}
	return e, nil
}
