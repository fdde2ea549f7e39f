package view

// Pending returns how many changes the view has been told of that the state
// does not show yet, and which it will look at again.
func (v *View) Pending() int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return len(v.follower.noted)
}
