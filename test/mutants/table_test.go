package mutants

// mutant is a known-bad change.
type mutant struct {
	name   string
	breaks string // what it does, as a table's cell
	// postgres: the change is in what only that engine does.
	postgres bool
	// killers are tests that fail by it, the fastest first.
	killers []killer
}

// killer is a test that must fail.
type killer struct {
	in  string // the package's folder
	run string // the test's name, with that of a subtest
	// itself: the test starts a server with the mutant switched on, and passes
	// when it sees what that breaks. It runs with its own package.
	itself bool
}

// fails is a test that fails by a mutant.
func fails(in, run string) killer { return killer{in: in, run: run} }

// sees is a test that switches a mutant on itself.
func sees(in, run string) killer { return killer{in: in, run: run, itself: true} }

// Folders of packages with killers.
const (
	database = "internal/base/db"
	object   = "internal/base/object"
	event    = "internal/base/event"
	idem     = "internal/base/idem"
	job      = "internal/base/job"
	ledger   = "internal/core/ledger"
	vault    = "internal/core/vault"
	payment  = "internal/core/payment"
	sandbox  = "internal/provider/sandbox"
	rest     = "internal/door/rest"
	payout   = "internal/core/payout"
	bank     = "internal/provider/bank"
	amounts  = "internal/kit/money"
	timeline = "internal/base/timeline"
	settle   = "internal/core/settle"
	cash     = "internal/core/cash"
	webhook  = "internal/core/webhook"
	dispute  = "internal/core/dispute"
	news     = "internal/core/news"
	crash    = "test/crash"
	world    = "test/world"
)

// table is every mutant in the code, in the order of docs/reliability.md.
var table = []mutant{
	{"ledger.no-guard", "guards let any amount pass: more is refunded than was captured", false, []killer{
		fails(payment, "TestConcurrentRefunds"), fails(ledger, "TestReservationsRaceForAGuard"), fails(ledger, "TestGuardRules"), fails(rest, "TestRefundRefusals"), fails(world, "TestSomeWorlds")}},
	{"ledger.no-hold", "a hold is given on money that is not there", false, []killer{
		fails(payment, "TestRefundNeedsBalance"), fails(ledger, "TestHolds")}},
	{"ledger.post-twice", "each posting is written twice", false, []killer{
		fails(payment, "TestSale"), fails(ledger, "TestPostWritesEverything"), fails(rest, "TestBalanceAddsUp"), fails(world, "TestSomeWorlds")}},
	{"ledger.mature-twice", "pending money becomes available each time it is looked at", false, []killer{
		fails(ledger, "TestMoneyBecomesAvailableOnce")}},
	{"db.ack-before-commit", "callers are told before COMMIT", false, []killer{
		fails(database, "TestNotAcknowledgedBeforeCommit/SQLite")}},
	{"db.no-sync", "commits are not synced", false, []killer{
		sees(crash, "TestMissingSyncsAreSeen")}},
	{"db.refused-step-writes", "what a refused step has changed is written", false, []killer{
		fails(database, "TestRefusedStepLeavesNothing"), fails(idem, "TestRefusals"), fails(ledger, "TestHolds")}},
	{"db.read-no-scope", "rows are found by key alone, also another account's", false, []killer{
		fails(payment, "TestKeyOfAnotherRequest"), fails(rest, "TestModesAndMerchantsAreApart"), fails(object, "TestTheFirstVersionShowsThePast")}},
	{"db.no-row-locks", "a train decides on rows that it has not locked", true, []killer{
		fails(ledger, "TestConcurrentOperations"), fails(ledger, "TestReservationsRaceForAGuard")}},
	{"db.train-id-unchecked", "another train's commit is taken for one's own", true, []killer{
		fails(database, "TestTrainIDTakenByAnother")}},
	{"object.list-no-scope", "lists show all accounts' objects", false, []killer{
		fails(object, "TestListGivesWhatTheFilterOfAllGives"), fails(rest, "TestModesAndMerchantsAreApart")}},
	{"object.current-version", "events and repeated replies show objects as they are, not as they were", false, []killer{
		fails(payment, "TestReplayShowsTheVersion"), fails(rest, "TestEventsStayTheSame"), fails(object, "TestTheFirstVersionShowsThePast"), fails(world, "TestSomeWorlds")}},
	{"event.drop", "events after the first of a lane are lost", false, []killer{
		fails(payment, "TestSale"), fails(event, "TestEventsComeBackAsTheyWent"), fails(world, "TestSomeWorlds")}},
	{"idem.no-hash", "a key is accepted with other parameters", false, []killer{
		fails(payment, "TestKeyOfAnotherRequest"), fails(idem, "TestFateOfARepetition"), fails(rest, "TestKeyForAnotherRequest"), fails(world, "TestSomeWorlds")}},
	{"idem.lease-twice", "two repetitions take the same request over", false, []killer{
		fails(idem, "TestTakenLeaseIsHeldAnew")}},
	{"idem.last-reply-counts", "a reply that is recorded is replaced by a later one", false, []killer{
		fails(idem, "TestTheFirstToFinishCounts"), fails(payment, "TestCrashBeforeSending"), fails(rest, "TestReplayOfAnOpenOutcome"), fails(world, "TestSomeWorlds")}},
	{"job.lease-twice", "two runners do the same job at once", false, []killer{
		fails(job, "TestJobHasOneLease")}},
	{"job.done-by-anyone", "a handler whose lease another has taken ends the job", false, []killer{
		fails(job, "TestLostLeaseIsRefusedWhileTheSuccessorRuns")}},
	{"vault.keep-cvc", "the security code stays after the outcome", false, []killer{
		fails(payment, "TestSecurityCodeGoesWithTheOutcome"), fails(vault, "TestSecurityCodeGoesAtTheOutcome"), fails(world, "TestSomeWorlds")}},
	{"payment.retry-unknown", "what is not answered is sent once more, as another payment", false, []killer{
		fails(payment, "TestReplay/sale_reset"), fails(payment, "TestReversal"), fails(payment, "TestUnknown"), fails(world, "TestSomeWorlds")}},
	{"payment.replay-anew", "a replay goes out under another reference", false, []killer{
		fails(payment, "TestReplay/sale_reset"), fails(payment, "TestReplayThatIsNotSent"), fails(world, "TestSomeWorlds")}},
	{"payment.replay-failed-counts", "a replay that could not be sent counts as proof that nothing happened", false, []killer{
		fails(payment, "TestReplayThatIsNotSent")}},
	{"payment.replay-without-cvc", "a replay goes out without the security code that the first sending had", false, []killer{
		fails(payment, "TestReplayNeedsTheCVC")}},
	{"payment.client-stops-it", "a client that hangs up stops its payment half-way", false, []killer{
		fails(payment, "TestClientGoesAway")}},
	{"payment.unknown-is-failed", "an outcome that nobody knows is called failed", false, []killer{
		fails(payment, "TestReversalItselfUnknown"), fails(payment, "TestUnknown"), fails(rest, "TestUnknownOutcome"), fails(world, "TestSomeWorlds")}},
	{"sandbox.sent-is-failed", "an error after the request was sent is called failed", false, []killer{
		fails(payment, "TestReversalItselfUnknown"), fails(payment, "TestUnknown"), fails(sandbox, "TestHostileAnswers"), fails(world, "TestSomeWorlds")}},
	{"payment.release-unknown", "a refund's guard is released while its outcome is open", false, []killer{
		fails(payment, "TestCrashBeforeSending/refund"), fails(payment, "TestUnknown/refund"), fails(rest, "TestRefundOutcomes"), fails(world, "TestSomeWorlds")}},
	{"payment.absent-at-once", "\"not found\" counts when it is said once", false, []killer{
		fails(payment, "TestAbsence"), fails(payment, "TestCrashBeforeSending"), fails(world, "TestSomeWorlds")}},
	{"payment.horizon-from-first", "the provider's horizon counts from the first sending, not the last or the first absence", false, []killer{
		fails(payment, "TestAbsence"), fails(payment, "TestHorizonOfAReplay")}},
	{"payment.no-recheck", "an attempt that failed by absence is not asked about again", false, []killer{
		fails(payment, "TestNotLate"), fails(payment, "TestLateSuccess")}},
	{"payment.keep-unwanted", "a late success is kept though the payment was cancelled", false, []killer{
		fails(payment, "TestLateSuccess/sale,_canceled"), fails(payment, "TestGiveBackGoesOn")}},
	{"payment.no-give-back", "nothing is done about a late success that is not wanted", false, []killer{
		fails(payment, "TestLateSuccess/sale,_canceled"), fails(payment, "TestGiveBackJob")}},
	{"payment.reschedule-stale", "a resolver that stood still puts an attempt back that another has settled", false, []killer{
		fails(payment, "TestStaleResolver")}},
	{"payment.void-trusts-absence", "a void that finds nothing to void is called refused", false, []killer{
		fails(payment, "TestVoidThatFindsNothing")}},
	{"payment.refund-reserved", "a refund of the rest counts what another one has reserved", false, []killer{
		fails(payment, "TestRefundOfTheRest")}},
	{"payment.late-beside-another", "a late success is kept though another attempt is under way", false, []killer{
		fails(payment, "TestLateBesideAnother")}},
	{"payment.ignore-lease", "an attempt is resolved while its sender is at it", false, []killer{
		fails(payment, "TestLeaseKeepsOthersAway"), fails(payment, "TestUnknown")}},
	{"payment.claim-twice", "two resolvers take the same attempt", false, []killer{
		fails(payment, "TestStaleUnknown"), fails(payment, "TestReplay")}},
	{"payment.send-late", "a sender that stood still sends after its lease", false, []killer{
		fails(payment, "TestStalledSender")}},
	{"payment.approve-undone", "an approval that comes after its lease counts though others are undoing it", false, []killer{
		fails(payment, "TestStalledApproval/sale")}},
	{"payment.stale-failure", "that a stalled sender could not send counts, though another has sent it", false, []killer{
		fails(payment, "TestStalledFailure/sale")}},
	{"payment.contested-declined", "a repetition that is declined is proof that the first sending was", false, []killer{
		fails(payment, "TestContestedReplay/sale")}},
	{"payment.no-recovery-point", "a repeated request forgets the attempt of the first", false, []killer{
		fails(payment, "TestCrash"), fails(payment, "TestCrashBeforeSending")}},
	{"payment.forget-reply", "the outcome is not recorded under the key", false, []killer{
		fails(payment, "TestReplayShowsTheVersion"), fails(payment, "TestUnknown"), fails(rest, "TestReplays"), fails(world, "TestSomeWorlds")}},
	{"payment.no-lock", "a second operation begins while the outcome of the first is open", false, []killer{
		fails(payment, "TestCrashBeforeSending"), fails(payment, "TestConcurrentCaptures"), fails(rest, "TestOpenCaptureLocks")}},
	{"payment.no-fee", "no fee is posted", false, []killer{
		fails(payment, "TestSale"), fails(rest, "TestBalanceAddsUp")}},
	{"payout.unknown-is-failed", "a payout of which nobody knows is called failed, and its money given back", false, []killer{
		fails(payout, "TestUnknownOutcomes")}},
	{"payout.ignore-lease", "a payout is looked after while its sender is at it", false, []killer{
		fails(payout, "TestCrash")}},
	{"payout.absent-at-once", "a bank that knows nothing of a payout is believed at once", false, []killer{
		fails(payout, "TestCrash")}},
	{"payout.keep-money", "the money of a payout that failed is not given back", false, []killer{
		fails(payout, "TestPayout")}},
	{"settle.match-loosely", "a line whose reference is written otherwise is matched although there are several candidates", false, []killer{
		fails(settle, "TestEveryDifferenceIsFound")}},
	{"settle.lump-loosely", "a deposit that is nearly the sum of its lines is taken for it", false, []killer{
		fails(settle, "TestEveryDifferenceIsFound"), fails(settle, "TestStatements")}},
	{"settle.post-again", "what was settled is posted again by the next run", false, []killer{
		fails(settle, "TestSettlement")}},
	{"bank.sent-is-failed", "what was sent and not answered is called not sent", false, []killer{
		fails(bank, "TestConformance")}},
	{"money.split-down", "a split is rounded down: what is left over is lost", false, []killer{
		fails(amounts, "TestAllocate")}},
	{"ledger.held-is-free", "money that is held is given out once more", false, []killer{
		fails(payout, "TestAutomaticLeavesWhatIsHeld"), fails(ledger, "TestHolds")}},
	{"timeline.all-at-once", "a test clock runs all its work at once, in no order", false, []killer{
		fails(timeline, "TestWorkRunsInItsOrder")}},
	{"payment.keep-expired", "an authorisation that has lapsed is kept", false, []killer{
		fails(payment, "TestRestIsReleased/expired")}},
	{"payment.increment-unasked", "an increment that was declined raises what can be captured", false, []killer{
		fails(payment, "TestIncrement")}},
	{"payment.pay-unauthenticated", "a payer who failed to authenticate pays all the same", false, []killer{
		fails(payment, "TestThePayerFails"), fails(payment, "TestWhoCannotBeAsked")}},
	{"payment.failed-refund-counts", "a refund that came back still counts as refunded", false, []killer{
		fails(dispute, "TestARefundThatFailsLater"), fails(dispute, "TestARefundFailsUnderADispute")}},
	{"payment.notice-lost", "news that come too early are forgotten", false, []killer{
		fails(dispute, "TestANoticeThatComesTooEarly")}},
	{"dispute.keep-won", "the money of a dispute that was won is not given back", false, []killer{
		fails(dispute, "TestEndings/won"), fails(dispute, "TestOldNewsChangesNothing")}},
	{"dispute.no-fee", "a dispute's fee is not posted", false, []killer{
		fails(dispute, "TestADisputeIsThereBeforeTheConfirmAnswers")}},
	{"webhook.arrival-order", "events are sent as they come up, also past one that has just failed", false, []killer{
		fails(webhook, "TestChoose"), fails(webhook, "TestEveryEventArrives")}},
	{"webhook.parked-is-sent", "an event that failed and is parked counts as sent", false, []killer{
		fails(webhook, "TestFailingEndpointsAreDisabled"), fails(webhook, "TestEveryEventArrives")}},
	{"webhook.skip-unsaid", "an event that goes past parked ones does not name them", false, []killer{
		fails(webhook, "TestEveryEventArrives")}},
	{"webhook.late-answer-counts", "an answer that came too late counts as an acknowledgement", false, []killer{
		fails(webhook, "TestEveryEventArrives")}},
	{"webhook.give-up-early", "an event that failed once is given up", false, []killer{
		fails(webhook, "TestFailuresAreTriedForThreeDays"), fails(webhook, "TestEveryEventArrives")}},
	{"payment.no-break", "what contradicts itself is told to nobody", false, []killer{
		fails(payment, "TestToldOtherwise"), fails(payment, "TestByHand")}},
	{"payment.believe-anything", "a decline is taken back by news alone, without asking", false, []killer{
		fails(payment, "TestJudge")}},
	{"payment.told-is-asked", "news of an approval counts though the operation is being undone", false, []killer{
		fails(payment, "TestToldWhileUndone")}},
	{"payment.no-proof", "a dispute of what nobody knows does not show that it was paid", false, []killer{
		fails(payment, "TestProof")}},
	{"payment.accepted-is-paid", "money that is to be debited is booked before the bank has it", false, []killer{
		fails(rest, "TestDebitFails"), fails(world, "TestSomeWorlds")}},
	{"cash.apply-again", "what was taken of a customer's money for a payment is taken for the next one too", false, []killer{
		fails(cash, "TestInTurn"), fails(world, "TestSomeWorlds")}},
	{"settle.strangers-merge", "two lines of one name that nobody knows of have one break", false, []killer{
		fails(settle, "TestStrangersOfOneName")}},
	{"settle.superseded-counts", "what a file told is counted though a corrected one has come", false, []killer{
		fails(settle, "TestWrongReports")}},
	{"settle.return-is-repetition", "a payout that comes back in a statement is taken for the payout told twice", false, []killer{
		fails(settle, "TestAReturnThatIsHeardLate")}},
	{"dispute.last-heard-wins", "what was heard last of a dispute wins, however old it is", false, []killer{
		fails(dispute, "TestShuffledNews")}},
	{"news.unsigned", "a provider's message is believed whoever signed it", false, []killer{
		fails(news, "TestWhatIsRefused")}},
	{"news.acknowledge-only", "a provider's message is acknowledged and never applied", false, []killer{
		fails(news, "TestAMessageIsAppliedOnce"), fails(payment, "TestTold")}},
	{"news.again", "a provider's message that comes again is applied again", false, []killer{
		fails(news, "TestAMessageIsAppliedOnce")}},
}
