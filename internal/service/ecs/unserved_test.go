package ecs

import (
	"strings"
	"testing"

	"github.com/slipway/slipway/internal/apierr"
	"github.com/slipway/slipway/internal/service/ecs/ecsshape"
)

func TestCheckServed(t *testing.T) {
	for name, tc := range map[string]struct {
		definition ecsshape.TaskDefinition
		want       string // part of the refusal; "": served
	}{
		"a plain definition": {},
		"an EFS volume": {definition: ecsshape.TaskDefinition{Volumes: []ecsshape.Volume{
			{EfsVolumeConfiguration: &ecsshape.EFSVolumeConfiguration{}},
		}}},
		"an FSx volume": {
			definition: ecsshape.TaskDefinition{Volumes: []ecsshape.Volume{
				{FsxWindowsFileServerVolumeConfiguration: &ecsshape.FSxWindowsFileServerVolumeConfiguration{}},
			}}, want: "FSx",
		},
		"an S3 file system": {
			definition: ecsshape.TaskDefinition{Volumes: []ecsshape.Volume{
				{S3filesVolumeConfiguration: &ecsshape.S3FilesVolumeConfiguration{}},
			}}, want: "S3",
		},
	} {
		t.Run(name, func(t *testing.T) {
			err := checkServed(&tc.definition)
			switch {
			case tc.want == "" && err != nil:
				t.Errorf("refused: %v", err)
			case tc.want != "" && (!apierr.Is(err, "ClientException") || !strings.Contains(err.Error(), tc.want)):
				t.Errorf("got %v, want a ClientException that names %s", err, tc.want)
			}
		})
	}
}
