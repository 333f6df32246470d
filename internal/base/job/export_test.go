package job

// Claim is what a runner does with the jobs that it has seen to be due.
var Claim = (*Runner).claim
