"""A batch is paid as a whole or not at all: the payroll of the protocol document, three times.

    python demo_atomic_batch.py

runs it with enough money, with one cent too little, and with a second payday under a key of its own.
"""

from decimal import Decimal

from aethel import AethelParser, BatchProcessor, BatchResult

PAYROLL = """
asset USD { scale: 2; }

atomic_batch monthly_payroll {
    intent pay_alice(company: Account, alice: Account, amount: Balance) {
        guard {
            company.balance >= amount;
            amount == 1000;
        }
        verify {
            company.balance == company.balance - amount;
            alice.balance == alice.balance + amount;
        }
    }

    intent pay_bob(company: Account, bob: Account, amount: Balance) {
        guard {
            company.balance >= amount;
            amount == 1500;
        }
        verify {
            company.balance == company.balance - amount;
            bob.balance == bob.balance + amount;
        }
    }
}
"""


def show(title: str, result: BatchResult, processor: BatchProcessor) -> None:
    """One line about the outcome, one for each balance."""
    print(title)
    if result.already_committed:
        print("  nothing to do: paid before")
    elif result.success:
        print(f"  committed: {result.transactions_executed} transactions")
    else:
        print(f"  rolled back: {result.error_message} ({result.error_code})")
    for one in processor.balances():
        if not one.account.startswith("equity:"):
            print(f"    {one.account:<8} {one.value:>9} {one.asset}")
    print()


def main() -> None:
    """Runs the three."""
    (payroll,) = AethelParser().parse(PAYROLL)
    funded = {"accounts": {"company": 5000, "alice": 0, "bob": 0}}

    processor = BatchProcessor(inputs=funded)
    result = processor.execute_atomic_batch(payroll, key="2026-02")
    show("February, 5000.00 in the company", result, processor)
    assert processor.balance("bob") == 1500

    # The same key is the same batch: sending it again pays nobody twice.
    result = processor.execute_atomic_batch(payroll, key="2026-02")
    show("February, sent once more", result, processor)
    assert result.already_committed and processor.balance("bob") == 1500

    result = processor.execute_atomic_batch(payroll, key="2026-03")
    show("March", result, processor)
    assert processor.balance("company") == 0

    # One cent too little for both: Alice, who comes first, is not paid either.
    poor = BatchProcessor(inputs={"accounts": {**funded["accounts"], "company": Decimal("2499.99")}})
    result = poor.execute_atomic_batch(payroll)
    show("February, 2499.99 in the company", result, poor)
    assert not result.success and poor.balances() == []


if __name__ == "__main__":
    main()
