"""The review pages: one listing beside the SKUs that it may be, one key for each answer; and many at once where nothing speaks against it."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from unfold.decorators import action

from inventory_sync.backoffice import review, words
from inventory_sync.backoffice.forms import ComboForm
from inventory_sync.engine import wake
from skumap.models import Listing

DONE, LATER = "review_done", "review_later"
REMEMBERED = 50
NO_RIGHT = "You may not decide what a listing is."


class ReviewPages:
    """Mixin of the listings' admin."""

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view  # type: ignore[attr-defined]
        return [
            path("review/", view(self.review_page), name="skumap_listing_review"),
            path("review/safe/", view(self.safe_page), name="skumap_listing_review_safe"),
            path("<path:object_id>/combo/", view(self.combo_page), name="skumap_listing_combo"),
            *super().get_urls(),  # type: ignore[misc]
        ]

    @action(description="Review", url_path="go-review", permissions=["match"], icon="checklist", variant="primary")
    def go_review(self, request: HttpRequest) -> HttpResponse:
        return HttpResponseRedirect(reverse("admin:skumap_listing_review"))

    @action(description="Match again", url_path="match-again", permissions=["match"], icon="refresh")
    def match_again(self, request: HttpRequest) -> HttpResponse:
        """Ask the workers to match what nobody has decided. Listings match by themselves after every read, too."""
        if wake.send("match_listings"):
            messages.success(request, "Matching has begun. Listings that it links leave the review by themselves.")
        else:
            messages.error(request, "The workers can't be reached; they match by themselves as soon as they run.")
        return HttpResponseRedirect(reverse("admin:skumap_listing_review"))

    def review_page(self, request: HttpRequest) -> HttpResponse:
        """GET shows the next listing, POST takes the answer and goes on."""
        if not self.has_match_permission(request):  # type: ignore[attr-defined]
            return HttpResponse(NO_RIGHT, status=403)
        if request.method == "POST":
            try:
                self._answer(request)
            except (review.ReviewError, Listing.DoesNotExist, ValueError) as error:
                messages.error(request, _sentence(error))
            return HttpResponseRedirect(request.get_full_path())
        return self._show(request)

    def safe_page(self, request: HttpRequest) -> HttpResponse:
        """GET lists the matches that nothing speaks against, POST links those that are chosen."""
        if not self.has_match_permission(request):  # type: ignore[attr-defined]
            return HttpResponse(NO_RIGHT, status=403)
        if request.method == "POST":
            chosen = [int(pk) for pk in request.POST.getlist("candidate") if pk.isdigit()]
            try:
                done = review.approve_safe(candidate_ids=chosen, now=timezone.now(), actor=request.user)
            except review.ReviewError as error:
                messages.error(request, _sentence(error))
                return HttpResponseRedirect(request.get_full_path())
            self._remember(request, done, "among the safe ones")
            level = messages.SUCCESS if done else messages.WARNING
            messages.add_message(request, level, f"{words.count(len(done), 'listing')} linked.")
            return HttpResponseRedirect(reverse("admin:skumap_listing_review"))
        return self._render(
            request,
            "backoffice/review_safe.html",
            title="Safe matches",
            candidates=review.safe_matches()[: review.SAFE_AT_ONCE],
        )

    def combo_page(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Make a combo out of what a listing sells, and link it."""
        if not self.has_match_permission(request) or not request.user.has_perm("skumap.add_sku"):  # type: ignore[attr-defined]
            return HttpResponse("You may not make SKUs.", status=403)
        listing = self.object_of(request, object_id)  # type: ignore[attr-defined]
        initial = {"code": listing.seller_sku or listing.key, "title": listing.title}
        form = ComboForm(request.POST or None, site=self.admin_site, initial=initial)  # type: ignore[attr-defined]
        back = f"{reverse('admin:skumap_listing_review')}?listing={listing.pk}"
        if request.method == "POST" and form.is_valid():
            facts = form.cleaned_data
            try:
                review.link_to_combo(
                    listing_id=listing.pk,
                    code=facts["code"],
                    title=facts["title"],
                    parts=facts["parts"],
                    now=timezone.now(),
                    actor=request.user,
                )
            except review.ReviewError as error:
                form.add_error(None, _sentence(error))
            else:
                listing.refresh_from_db()
                self._remember(request, [listing], "new combo")
                messages.success(request, f"{listing}: linked to the new combo {listing.sku}.")
                return HttpResponseRedirect(reverse("admin:skumap_listing_review"))
        return self.ask(  # type: ignore[attr-defined]
            request,
            title=f"{listing} is a combo",
            submit="Make the combo and link it",
            form=form,
            lines=[listing.title, "One sold unit takes these units of each part from stock."],
            back=back,
        )

    def _show(self, request: HttpRequest) -> HttpResponse:
        queue = review.queue(now=timezone.now())
        later = request.session.get(LATER, [])
        wanted = request.GET.get("listing", "")
        listing = queue.listings.filter(pk=wanted).first() if wanted.isdigit() else None
        if wanted.isdigit() and listing is None and (asked := Listing.objects.filter(pk=wanted).first()):
            messages.info(request, f"{asked} is decided already: {asked.sku or asked.get_status_display()}.")
        listing = listing or queue.listings.exclude(pk__in=later).first()
        if listing is None and later:
            request.session[LATER] = []
            listing = queue.listings.first()
        done = request.session.get(DONE, [])
        candidates = listing.candidates.select_related("sku").order_by("rank")[: review.SUGGESTIONS] if listing else []
        return self._render(
            request,
            "backoffice/review.html",
            title="Review listings",
            listing=listing,
            candidates=candidates,
            run=review.run_of(listing) if listing else [],
            safe=review.safe_matches().count(),
            count=queue.count,
            urgent=queue.waiting_orders,
            last=_in_words(done[-1]) if done else "",
        )

    def _render(self, request: HttpRequest, template: str, **values: Any) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),  # type: ignore[attr-defined]
            "opts": self.opts,  # type: ignore[attr-defined]
            "subtitle": None,
            "media": self.media,  # type: ignore[attr-defined]
            **values,
        }
        request.current_app = self.admin_site.name  # type: ignore[attr-defined]
        return TemplateResponse(request, template, context)

    def _answer(self, request: HttpRequest) -> None:
        now, answer = timezone.now(), request.POST.get("answer", "")
        if answer == "undo":
            self._undo(request)
            return
        if answer == "run":
            done = review.approve_run(run=request.POST.get("run", ""), now=now, actor=request.user)
            self._remember(request, done, "as a style")
            messages.success(request, f"{words.count(len(done), 'listing')} of the style linked.")
            return
        listing = Listing.objects.get(pk=int(request.POST.get("listing", "0")))
        if answer == "later":
            request.session[LATER] = [*request.session.get(LATER, []), listing.pk][-500:]
            return
        if answer == "link":
            review.link(
                listing_id=listing.pk,
                sku_id=int(request.POST.get("sku") or 0),
                units_per_sale=int(request.POST.get("units_per_sale") or 1),
                now=now,
                actor=request.user,
                reason="reviewed",
            )
        elif answer == "new":
            review.link_to_new(listing_id=listing.pk, code=request.POST.get("code", ""), now=now, actor=request.user)
        elif answer == "ignore":
            review.ignore(listing_id=listing.pk, now=now)
        else:
            raise review.ReviewError("that is not an answer")
        listing.refresh_from_db()
        self._remember(request, [listing], answer)
        messages.success(request, f"{listing}: {f'linked to {listing.sku}' if listing.sku else 'ignored'}.")

    def _remember(self, request: HttpRequest, done: list[Listing], how: str) -> None:
        """Into the history of each, and onto the pile of what can be taken back; several at once are one decision."""
        for listing in done:
            self.log_change(request, listing, f"Reviewed: {how}")  # type: ignore[attr-defined]
        if done:
            request.session[DONE] = [*request.session.get(DONE, []), [row.pk for row in done]][-REMEMBERED:]

    def _undo(self, request: HttpRequest) -> None:
        done = request.session.get(DONE, [])
        if not done:
            raise review.ReviewError("there is nothing to take back")
        *earlier, last = done
        request.session[DONE] = earlier
        now = timezone.now()
        results = [review.take_back(listing_id=pk, now=now) for pk in last]
        text = f"{_in_words(last)} {'waits' if len(last) == 1 else 'wait'} for review again."
        waiting, left = sum(each.waiting for each in results), sum(each.left for each in results)
        if waiting:
            lines = words.count(waiting, "order line")
            text += f" {lines} {'blocks' if waiting == 1 else 'block'} no stock any more and {'waits' if waiting == 1 else 'wait'}, too."
        if left:
            text += f" {words.count(left, 'order line')} had left and {'stays' if left == 1 else 'stay'} as booked."
        messages.info(request, text)


def _in_words(listing_ids: list[int]) -> str:
    """One decision, as a person names it."""
    first = Listing.objects.filter(pk__in=listing_ids[:1]).first()
    if first is None:
        return "The listing"
    return str(first) if len(listing_ids) == 1 else f"{first} and {words.count(len(listing_ids) - 1, 'other')}"


def _sentence(error: Exception) -> str:
    text = str(error)
    return f"{text[:1].upper()}{text[1:]}."
