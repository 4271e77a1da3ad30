// Package expiry is the controller that forgets what is over: stopped tasks after
// an hour (task-lifecycle-explanation), deployments after 90 days
// (service-deployment), deleted services and clusters after a day. What is
// forgotten, and how, is the ECS room's business; this is its clock.
package expiry
