package ecs

import "github.com/slipway/slipway/internal/store"

// RevisionDetail is a service revision as it is described: with the images of
// its task definition and the digests that they stood for when it was deployed.
type RevisionDetail struct {
	*Revision
	Images []RevisionImage
}

// RevisionImage is the image of one container; Digest is empty as long as no
// task has pulled it.
type RevisionImage struct{ Container, Image, Digest string }

// DescribeServiceRevisions describes revisions by their ARNs; missing are those
// that there are not.
func (r *Room) DescribeServiceRevisions(scope Scope, arns []string) (views []*RevisionDetail, missing []string, err error) {
	if err := checkDeploymentARNs("serviceRevisionArns", arns); err != nil {
		return nil, nil, err
	}
	snap := r.st.Snapshot()
	for _, ref := range arns {
		cluster, service, id, ok := deploymentARNParts(scope, ref, "service-revision")
		if ok {
			var rev *Revision
			if rev, ok = Revisions.Get(snap, scope.Key(cluster, service, id)); ok {
				views = append(views, viewRevision(snap, rev))
			}
		}
		if !ok {
			missing = append(missing, ref)
		}
	}
	return views, missing, nil
}

func viewRevision(r store.Reader, rev *Revision) *RevisionDetail {
	v := &RevisionDetail{Revision: rev}
	definition, ok := findTaskDefinition(r, rev.Scope, rev.TaskDefinition)
	if !ok {
		return v
	}
	digests := revisionDigests(r, rev)
	for _, c := range definition.Definition.ContainerDefinitions {
		v.Images = append(v.Images, RevisionImage{given(c.Name), given(c.Image), digests[given(c.Name)]})
	}
	return v
}

func revisionDigests(r store.Reader, rev *Revision) map[string]string {
	for d := range Deployments.List(r, rev.Scope.Prefix(rev.Cluster, rev.Service)) {
		if d.Revision == rev.ID {
			return d.Digests
		}
	}
	return nil
}
