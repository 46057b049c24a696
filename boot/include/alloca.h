// wasm2c's code includes this and uses nothing of it.
