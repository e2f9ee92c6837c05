"""Aethel: move value in atomic batches, all or nothing, with proofs.

The three modules of the Synchrony Protocol are ``aethel.core.parser``, ``aethel.core.batch_processor`` and
``aethel.core.synchrony``; everything in them is here too::

    from aethel import BatchProcessor, Transaction

    pay = Transaction(
        id="pay_1",
        intent_name="transfer",
        accounts={"company": {"balance": "1000.00"}, "alice": {"balance": 0}},
        operations=[{"type": "transfer", "from": "company", "to": "alice", "amount": "85.50"}],
    )
    result = BatchProcessor().execute_batch([pay])
    assert result.success, result.error_message

``__build__`` is ``release``, or ``debug`` for a build that is not optimised.
"""

from ._aethel import __build__, __version__
from .checking import CheckReport, check
from .core.batch_processor import BatchProcessor
from .core.parser import AethelParser, AtomicBatchNode, IntentNode, ParameterNode, Source
from .core.synchrony import (
    AssetSums,
    BalanceChange,
    BatchResult,
    ConservationResult,
    LedgerBalance,
    ProofResult,
    StageReport,
    ThroughputBaseline,
    Transaction,
)
from .errors import AethelError, AethelSyntaxError, BatchError, Diagnostic, InexactAmountError, Label

__all__ = [
    "AethelError",
    "AethelParser",
    "AethelSyntaxError",
    "AssetSums",
    "AtomicBatchNode",
    "BalanceChange",
    "BatchError",
    "BatchProcessor",
    "BatchResult",
    "CheckReport",
    "ConservationResult",
    "Diagnostic",
    "InexactAmountError",
    "IntentNode",
    "Label",
    "LedgerBalance",
    "ParameterNode",
    "ProofResult",
    "Source",
    "StageReport",
    "ThroughputBaseline",
    "Transaction",
    "__build__",
    "__version__",
    "check",
]
