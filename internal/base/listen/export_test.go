package listen

// Look is one look at the files.
func (c *Certificate) Look() { c.look() }
