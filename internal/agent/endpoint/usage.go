package endpoint

import (
	"net/http"

	"github.com/slipway/slipway/internal/agent/engine"
	"github.com/slipway/slipway/internal/agent/lifecycle"
	"github.com/slipway/slipway/internal/agent/stats"
)

func (s *server) statsV2(w http.ResponseWriter, r *http.Request) {
	v, err := s.caller(r)
	if err != nil {
		answer(w, http.StatusBadRequest, "Unable to get task arn from request: "+err.Error())
		return
	}
	id := r.PathValue("container")
	if id == "" {
		answer(w, http.StatusOK, s.taskStats(v, v2))
		return
	}
	for i, c := range v.Containers {
		if created(c) && same(c.ID, id) {
			s.containerStats(w, place{v, i}, v2)
			return
		}
	}
	answer(w, http.StatusBadRequest, "Unable to get container stats for: "+id)
}

// containerStats answers with the last sample. A container that runs and was not
// sampled yet has an empty one; one that does not run has none.
func (s *server) containerStats(w http.ResponseWriter, p place, as version) {
	c := p.container()
	d := s.sample(c, as)
	switch {
	case d != nil:
		answer(w, http.StatusOK, d)
	case c.Status == lifecycle.Running && as == v4:
		answer(w, http.StatusOK, struct{}{})
	case c.Status == lifecycle.Running:
		answer(w, http.StatusOK, nil)
	case as == v4:
		answer(w, http.StatusInternalServerError, "Unable to get container stats for: "+c.ID)
	default:
		answer(w, http.StatusBadRequest, "Unable to get container stats for: "+c.ID)
	}
}

// taskStats are the samples of a task's containers, null for those without.
func (s *server) taskStats(v engine.View, as version) map[string]*stats.Docker {
	out := map[string]*stats.Docker{}
	for _, c := range v.Containers {
		if created(c) {
			out[c.ID] = s.sample(c, as)
		}
	}
	return out
}

// sample is nil while there is none. Rates are version 4's.
func (s *server) sample(c engine.ContainerView, as version) *stats.Docker {
	d, ok := s.cfg.Stats(c.ID)
	if !ok {
		return nil
	}
	if as != v4 {
		d.NetworkRate = nil
	}
	return d
}
