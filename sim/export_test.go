package sim

// ToyFactory is for tests that run named scenarios on toys.
var ToyFactory = toyFactory
