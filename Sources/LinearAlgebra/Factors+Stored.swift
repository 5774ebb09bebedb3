extension LowRankFactors {
  /// Factors as they were stored: taken as they are, not balanced again.
  package init(storedLeft left: Matrix, right: Matrix) {
    precondition(left.rows == right.rows, "factors of rank \(left.rows) and \(right.rows)")
    self.left = left
    self.right = right
  }
}
