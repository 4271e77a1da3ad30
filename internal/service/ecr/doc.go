// Package ecr is the room of container repositories and of what is in them.
//
// It owns which repositories exist, which images each holds and where each tag
// points: the registry keeps bytes and asks here what may be seen. A push is
// acknowledged when its image and its tag are in one transaction in the store,
// after the bytes were durable; bytes without a record are invisible and
// harmless. So a tag never points at something that is not there, immutable tags
// hold against pushes that race, and what DescribeImages says is what a pull
// gets. It also makes and checks the tokens with which docker logs in.
//
// The bytes of a repository live under its id, not under its name: a repository
// that is deleted and created again starts empty.
//
// It leaves out lifecycle rules, scanning, replication, repository policies and
// KMS, and it frees no layer of a deleted image.
package ecr
