package runtime

import (
	"context"
	"testing"
	"testing/synctest"

	"github.com/containerd/containerd/api/services/tasks/v1"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/emptypb"
)

// slowKill is a containerd in which a signal takes until it is let go.
type slowKill struct {
	tasks.TasksClient
	let     chan struct{}
	deleted bool
}

func (s *slowKill) Kill(context.Context, *tasks.KillRequest, ...grpc.CallOption) (*emptypb.Empty, error) {
	<-s.let
	return &emptypb.Empty{}, nil
}

func (s *slowKill) Delete(context.Context, *tasks.DeleteTaskRequest, ...grpc.CallOption) (*tasks.DeleteResponse, error) {
	s.deleted = true
	return &tasks.DeleteResponse{}, nil
}

func TestDeletionWaitsForASignal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &slowKill{let: make(chan struct{})}
		r := &Containerd{tasks: s}
		go func() {
			if err := r.kill(t.Context(), &tasks.KillRequest{ContainerID: "c"}); err != nil {
				t.Error(err)
			}
		}()
		synctest.Wait()
		go func() {
			if err := r.deleteTask(t.Context(), "c"); err != nil {
				t.Error(err)
			}
		}()
		synctest.Wait()
		if s.deleted {
			t.Error("the process is deleted under a signal")
		}
		close(s.let)
		synctest.Wait()
		if !s.deleted {
			t.Error("the process is not deleted")
		}
	})
}
