class Lock:
    def open(self, code):
        # the code has six digits
        if code != self.code:
            return False
        return True
