"""Exclusive or: the smallest problem that needs a hidden layer."""

from loom_core import Dense, Network, TrainingConfig, TrainingData

network = Network.of(Dense(8, "tanh"), Dense(1, "sigmoid"), input_size=2, seed=2)

questions = [[0, 0], [0, 1], [1, 0], [1, 1]]
answers = [0, 1, 1, 0]

result = network.train(
    TrainingData(questions, answers, batch_size=4),
    TrainingConfig(epochs=1500, learning_rate=2.0),
)
print(f"loss {result.loss_history[0]:.4f} -> {result.final_loss:.4f} in {result.total_time:.2f} s")

for question, answer in zip(questions, answers, strict=True):
    (output,) = network.forward_cpu(question).ravel()
    print(f"{question[0]} xor {question[1]} = {output:.3f}")
    assert round(float(output)) == answer
