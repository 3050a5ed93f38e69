func (t *Tank) Fill(litres int) error {
	if litres > t.free() {
		return errFull
	}

	// never above the mark
	t.level += litres
	return nil
}
