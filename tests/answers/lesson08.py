from exercise_answers import RIGHT, WRONG

RIGHT["08.1"] = ["0.1", "torch.tensor(0.1)"]
WRONG["08.1"] = {
    "0.02": "still on their way",
    "0.6": "tremble too much",
    "0.05": "single examples",
    "0.5": "full batch",
    "0.25": "none of the rates",
}

RIGHT["08.2"] = ["0.1667", "1 / 6"]
WRONG["08.2"] = {
    "0.17": "four digits",
    "1 / 12": "one step leads to the bottom",
    "1": "brings its x²",
    "2 / 6": "factor 2 of the square",
    "2 / 36": ("for the sum", 31),
    "12": "that is the curvature",
    "2 / 14": "still converges a little above it",
    "-1 / 6": "is positive",
    "0.2": "diverges there",
}

RIGHT["08.3"] = ["16 * (2.0 / 0.5) ** 2"]
WRONG["08.3"] = {
    "64": "with the root",
    "1": "more noise",
    "32": "only down to 1.4",
    "16": "to start with",
    "12.5": "whole number",
    "128": "more than 0.5",
    "1024": "less than 0.5",
}

RIGHT["08.4"] = [
    "return w, b → return [w.item(), b.item()]",
    "return w, b → return torch.tensor([w]), torch.tensor(b)",
]
WRONG["08.4"] = {
    "order.split → torch.arange(len(order)).split": "rows as they stand",
    "split(batch_size) → split(batch_size)[:-1]": "last batch is missing",
    "w, b = w - lr → return w - lr": "inside the loop",
    "order.split(batch_size) → [order]": "all the examples",
    "split(batch_size) → split(1)": "for each example",
    "order.split → order.argsort().split": "comes at place i",
    ".mean() → .sum()": ("add up the gradients of a batch", 31),
    "2 * error → error": "derivative of a square",
    ".mean() → .sum() / batch_size": "fewer examples",
    "X[index] * w + b - y[index] → y[index] - X[index] * w - b": "uphill",
    """
    for index in order.split(batch_size):
        w = w - lr * (2 * (X[index] * w + b - y[index]) * X[index]).mean()
        b = b - lr * (2 * (X[index] * w + b - y[index])).mean()
    return w, b
    """: "with the new w",
    "2 * error → 3 * error": "on paper",
    "split(batch_size) → split(2)": "not for one batch of all",
    "return w, b → X.zero_(); return w, b": "changes X, y or order",
    "return w, b → return w": "pair of numbers",
    "(X * w, b + 1)": "w should be one number",
}

RIGHT["08.5"] = [
    "torch.tensor(means) @ torch.tensor(sizes, dtype=torch.float32) / sum(sizes)",
]
WRONG["08.5"] = {
    "sum(means) / len(means)": ("mean of the batch means", 32),
    " / sum(sizes) → ": "sum over all",
    "/ sum(sizes) → / len(sizes)": "number of batches",
    "sum(means) / sum(sizes)": "not weighted",
    "/ sum(sizes) → / sizes[0]": "size of the first batch",
    "zip(means, → zip(means[:-1], and sum(sizes) → sum(sizes[:-1])": "last batch is missing",
    "(4 * means[0] + 4 * means[1] + 2 * means[-1]) / 10": "batches of 1 and 3",
    "means[0]": "sum of their losses",
}
