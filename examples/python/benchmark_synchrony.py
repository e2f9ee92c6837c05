"""What a batch brings on this machine, measured now.

    python benchmark_synchrony.py                   up to 1000 transactions, in memory and on the disk
    python benchmark_synchrony.py --sizes 10,100    others
    python benchmark_synchrony.py --ledger DIR      durable figures on the disk of DIR instead of the current directory's

For each size the payments run as one batch, and the first hundred of them one by one, each with its own proof and its own
commit: what a program without batches does. Each figure is the median of several runs:

    call ms      one call of execute_batch, with turning the transactions of Python into a batch
    batch ms     the six stages of it
    single ms    one transaction as a batch of its own, its six stages
    improves     all of them one by one, scaled from those that were measured, over the six stages of the batch
    threads      how many worked at most; work that one thread has done before a second wakes up takes one
"""

import argparse
import os
import platform
import statistics
import tempfile
import time
from pathlib import Path

import aethel
from aethel import BatchProcessor, BatchResult, Transaction


def payments(count: int, shared: bool) -> list[Transaction]:
    """So many payments: of one company, or of pairs of accounts that share nothing."""
    made = []
    for n in range(count):
        payer, payee = ("company" if shared else f"payer_{n}"), f"payee_{n}"
        accounts = {payer: {"balance": 1_000_000}, payee: {"balance": 0}}
        steps = [{"type": "debit", "account": payer, "amount": 8}, {"type": "credit", "account": payee, "amount": 8}]
        made.append(Transaction(f"pay_{n}", "transfer", accounts, steps, []))
    return made


def run(transactions: list[Transaction], threads: int, ledger: Path | None) -> tuple[BatchResult, float]:
    """One run on a new ledger, and how long the call took."""
    with tempfile.TemporaryDirectory(dir=ledger) as directory:
        path = Path(directory) / "ledger.redb" if ledger else None
        processor = BatchProcessor(threads, ledger=path)
        begun = time.perf_counter()
        result = processor.execute_batch(transactions)
        took = time.perf_counter() - begun
        assert result.success, result.error_message
        assert result.throughput_improvement > 0  # measured here, while the directory is there
        return result, took


def line(name: str, count: int, shared: bool, ledger: Path | None, rounds: int) -> str:
    """The figures of one workload."""
    transactions = payments(count, shared)
    done = [run(transactions, os.cpu_count() or 1, ledger) for _ in range(rounds)]
    runs = [result for result, _ in done]
    call = statistics.median(took for _, took in done)
    batch = statistics.median(one.execution_time for one in runs)
    baselines = [one.throughput_baseline for one in runs]
    single = statistics.median(one.seconds / one.measured for one in baselines if one)
    measured = min(one.measured for one in baselines if one)
    threads = max(one.thread_count for one in runs)
    return (
        f"{name:<28}{count:>6}{call * 1000:>10.2f}{batch * 1000:>10.2f}{single * 1000:>11.3f}{single * count / batch:>9.1f}x"
        f"{measured:>7} of {count:<6}{threads:>5}"
    )


def main() -> None:
    """Prints the table."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--sizes", default="10,100,1000", help="numbers of transactions")
    options.add_argument("--ledger", type=Path, default=Path("."), help="where the ledgers of durable figures are made")
    options.add_argument("--rounds", type=int, default=5, help="how often each is run")
    chosen = options.parse_args()
    sizes = [int(size) for size in chosen.sizes.split(",")]
    print(f"aethel {aethel.__version__}, {os.cpu_count()} cores, {platform.system()} {platform.machine()}")
    print(f"medians of {chosen.rounds} runs, measured now on this machine")
    if aethel.__build__ != "release":
        print("this build is not optimised: its figures say nothing about a release build")
    print(f"\n{'':<28}{'size':>6}{'call ms':>10}{'batch ms':>10}{'single ms':>11}{'improves':>10}{'measured':>12}{'threads':>10}")
    for name, shared in [("independent", False), ("one company pays", True)]:
        for where, ledger in [("in memory", None), ("on disk", chosen.ledger)]:
            for size in sizes:
                print(line(f"{name}, {where}", size, shared, ledger, chosen.rounds))


if __name__ == "__main__":
    main()
