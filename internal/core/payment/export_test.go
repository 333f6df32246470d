package payment

// Send is how an operation goes on after its first step.
var Send = (*Service).send
