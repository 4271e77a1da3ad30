package registry

import (
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"sync"

	"github.com/distribution/distribution/v3"
	"github.com/distribution/distribution/v3/configuration"
	"github.com/distribution/distribution/v3/registry/handlers"
	registrymiddleware "github.com/distribution/distribution/v3/registry/middleware/registry"
	storagedriver "github.com/distribution/distribution/v3/registry/storage/driver"
	"github.com/distribution/distribution/v3/registry/storage/driver/factory"
	"github.com/sirupsen/logrus"
)

// engineName is what this package calls itself in the engine's own registers of
// drivers and middleware. Through them a *Registry reaches the engine that it
// configures; they hold no state of ours.
const engineName = "slipway"

func init() {
	factory.Register(engineName, openedDriver{})
	err := registrymiddleware.Register(engineName, func(_ context.Context, names distribution.Namespace, _ storagedriver.StorageDriver, options map[string]any) (distribution.Namespace, error) {
		return &namespace{Namespace: names, registry: options["registry"].(*Registry)}, nil
	})
	if err != nil {
		panic(err)
	}
}

// openedDriver hands the engine the driver that is open already.
type openedDriver struct{}

func (openedDriver) Create(_ context.Context, parameters map[string]any) (storagedriver.StorageDriver, error) {
	return parameters["driver"].(storagedriver.StorageDriver), nil
}

// silence stops the engine from writing to standard error.
var silence = sync.OnceFunc(func() {
	logrus.SetOutput(io.Discard)
	logrus.SetLevel(logrus.PanicLevel)
})

// start makes the engine. It panics on a configuration that it does not
// understand, which is ours and constant; so a panic is turned into an error.
func start(ctx context.Context, r *Registry, secret []byte) (app *handlers.App, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("start registry engine: %v", p)
		}
	}()
	config := &configuration.Configuration{
		Storage: configuration.Storage{
			engineName: {"driver": r.cfg.Storage.driver},
			"delete":   {"enabled": true},
			"redirect": {"disable": true},
			"maintenance": {"uploadpurging": map[any]any{
				"enabled": true, "age": "24h", "interval": "1h", "dryrun": false,
			}},
		},
		Middleware: map[string][]configuration.Middleware{
			"registry": {{Name: engineName, Options: configuration.Parameters{"registry": r}}},
		},
	}
	config.HTTP.Secret = hex.EncodeToString(secret)
	return handlers.NewApp(ctx, config), nil
}
