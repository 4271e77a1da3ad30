package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
)

// begin runs a task that then waits, and gives its id and its container's.
func (l *logBench) begin(ctx context.Context, family string) (task, container string, err error) {
	if err := l.run(ctx, family, 1); err != nil {
		return "", "", err
	}
	if _, err := l.pullStarted(ctx); err != nil {
		return "", "", err
	}
	list, err := l.aws.ECS.ListTasks(ctx, &ecs.ListTasksInput{})
	if err != nil || len(list.TaskArns) != 1 {
		return "", "", errors.Join(err, fmt.Errorf("%d tasks run, not one", len(list.TaskArns)))
	}
	d, err := l.aws.ECS.DescribeTasks(ctx, &ecs.DescribeTasksInput{Tasks: list.TaskArns})
	if err != nil {
		return "", "", err
	}
	arn := list.TaskArns[0]
	return arn[strings.LastIndexByte(arn, '/')+1:], aws.ToString(d.Tasks[0].Containers[0].RuntimeId), nil
}

func (l *logBench) lastLine() string { return fmt.Sprint("line ", l.lines-1) }

func (l *logBench) awslogs(ctx context.Context) (sample, error) {
	task, _, err := l.begin(ctx, string(types.LogDriverAwslogs))
	if err != nil {
		return sample{}, err
	}
	newest := &cloudwatchlogs.GetLogEventsInput{LogGroupName: aws.String(logGroup), LogStreamName: aws.String("bench/p/" + task), Limit: aws.Int32(1)}
	s, err := l.measure(ctx, l.agent, func(ctx context.Context) (bool, error) {
		out, err := l.logs.GetLogEvents(ctx, newest)
		return err == nil && len(out.Events) == 1 && *out.Events[0].Message == l.lastLine(), err
	})
	if err != nil {
		return s, err
	}
	if err := l.complete(ctx, *newest.LogStreamName); err != nil {
		return s, err
	}
	return s, l.stopAll(ctx)
}

// complete checks that every line has arrived, once and in order.
func (l *logBench) complete(ctx context.Context, stream string) error {
	pages := cloudwatchlogs.NewGetLogEventsPaginator(l.logs, &cloudwatchlogs.GetLogEventsInput{
		LogGroupName: aws.String(logGroup), LogStreamName: &stream, StartFromHead: aws.Bool(true),
	}, func(o *cloudwatchlogs.GetLogEventsPaginatorOptions) { o.StopOnDuplicateToken = true })
	n := 0
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return err
		}
		for _, e := range page.Events {
			if !strings.HasPrefix(*e.Message, "line ") { // of the wait
				continue
			}
			if want := fmt.Sprint("line ", n); *e.Message != want {
				return fmt.Errorf("%q follows line %d", *e.Message, n-1)
			}
			n++
		}
	}
	if n != l.lines {
		return fmt.Errorf("%d of %d lines arrived", n, l.lines)
	}
	return nil
}

func (l *logBench) jsonFile(ctx context.Context) (sample, error) {
	_, container, err := l.begin(ctx, string(types.LogDriverJsonFile))
	if err != nil {
		return sample{}, err
	}
	path, err := find(l.dir, container+".log")
	if err != nil {
		return sample{}, err
	}
	s, err := l.measure(ctx, l.agent, func(context.Context) (bool, error) { return endsWith(path, l.lastLine()+"\n") })
	if err != nil {
		return s, err
	}
	return s, l.stopAll(ctx)
}

func (l *logBench) docker(ctx context.Context) (sample, error) {
	if err := l.peer.run(ctx, "logs", l.command()...); err != nil {
		return sample{}, err
	}
	s, err := l.measure(ctx, l.dockerd, func(ctx context.Context) (bool, error) { return true, l.peer.wait(ctx, "logs") })
	if err != nil {
		return s, err
	}
	return s, l.peer.remove(ctx, "logs")
}

// find looks for a file of that name below a directory.
func find(dir, name string) (path string, err error) {
	err = filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil // it has gone meanwhile
		}
		if err == nil && d.Name() == name {
			path, err = p, fs.SkipAll
		}
		return err
	})
	if err == nil && path == "" {
		err = fmt.Errorf("no %s in %s", name, dir)
	}
	return path, err
}

func endsWith(path, text string) (bool, error) {
	f, err := os.Open(path)
	if err != nil {
		return false, err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil || st.Size() < int64(len(text)) {
		return false, err
	}
	b := make([]byte, len(text))
	_, err = f.ReadAt(b, st.Size()-int64(len(text)))
	return string(b) == text, err
}
